//! What the commands do.

pub mod deliver;
pub mod inventory;
pub mod outcome;
pub mod select;
