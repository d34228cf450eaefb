//! A file system that others have prepared.
