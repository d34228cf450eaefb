//! What the user and the scripts see.

mod log;
mod metrics;
mod progress;
mod table;
