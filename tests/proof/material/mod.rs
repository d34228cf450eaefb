//! Keys, certificates, archives and replies that are made to do harm.
