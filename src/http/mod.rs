//! One HTTP client for all clouds: what is signed is what is sent, and a reply never costs more than its limits.

mod client;
mod endpoint;
mod error;
mod limit;
mod request;
mod retry;

pub use client::{Client, Reply};
pub use endpoint::{Endpoint, EndpointError};
pub use error::HttpError;
pub use limit::RateLimit;
pub use request::{Method, Request, encode};
pub use retry::{Again, Retries};
