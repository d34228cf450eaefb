//! What the commands do.

pub mod account;
pub mod inventory;
pub mod select;
