//! Where secrets may not be: output, files, arguments, environments, memory images.

mod memory;
mod mistakes;
mod needles;
mod outputs;
mod panics;
mod scene;
