//! `certctl check`

use super::Scene;
use super::args::CheckArgs;
use crate::failure::{Exit, Failure};

pub(super) async fn run(_args: &CheckArgs, _scene: &Scene<'_>) -> Result<Exit, Failure> {
    Err(Failure::Bug)
}
