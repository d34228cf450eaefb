//! What the user and the scripts see.
