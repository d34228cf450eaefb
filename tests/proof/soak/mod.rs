//! Years of nights in minutes.
