//! `certctl describe`

use super::Scene;
use super::accounts::picked_one;
use super::args::{DescribeArgs, Output};
use crate::failure::{Exit, Failure};
use crate::report::{json, table};
use crate::run::inventory;
use crate::run::outcome::Row;
use crate::run::select::Wanted;

pub(super) async fn run(args: &DescribeArgs, scene: &Scene<'_>) -> Result<Exit, Failure> {
    let account = picked_one(&args.account, scene)?
        .open(&super::reach(scene.global, scene.config.as_ref())?, scene.environment)?;
    let now = scene.environment.now();
    let described = async {
        let id = match Wanted::parse(&args.certificate) {
            Wanted::Id(id) => id,
            Wanted::Domain(domain) => {
                let rows = account.cloud.list().await?;
                inventory::find(&account, &rows, &domain, &[], now, account.jobs).await?
            }
        };
        Ok::<_, Failure>(account.cloud.describe(&id).await?)
    };
    let description = match described.await {
        Ok(description) => description,
        Err(failure) => {
            let row = Row::failed(account.provider, &account.name, None, Some(args.certificate.clone()), failure);
            return Ok(super::tell(&row));
        }
    };
    super::print(&match scene.global.output {
        Output::Json => json::to_text(&json::Describe::new(account.provider, &account.name, &description, now))
            .map_err(|_| Failure::Bug)?,
        Output::Table => table::describe(account.provider, &account.name, &description, now),
    })?;
    Ok(Exit::Done)
}
