//! A file system that others have prepared: what they planted, what they swap while certctl looks, and what is forbidden,
//! full or gone.

mod flags;
mod ground;
mod limits;
mod mounts;
mod names;
mod places;
mod planted;
mod race;
mod trace;
