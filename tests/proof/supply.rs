//! What certctl is built of.
