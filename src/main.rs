//! The certctl command.

fn main() {}
