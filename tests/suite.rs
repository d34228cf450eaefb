//! The tests of certctl, in one binary; its modules mirror `src`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bundle;
mod signature;
mod store;
