//! Raw material becomes a verified key, leaf and chain. Pure: no I/O, no clock of its own.
//!
//! What a cloud hands over is told by its content, never by file names: PEM, base64, zip, RAR.

mod material;

pub use material::{Material, Part};
