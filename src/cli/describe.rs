//! `certctl describe`

use super::args::{DescribeArgs, Global, Output};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::report::{json, table};
use crate::run::inventory;
use crate::run::outcome::Row;
use crate::run::select::Wanted;

pub(super) async fn run(args: &DescribeArgs, global: &Global, environment: &Environment) -> Result<Exit, Failure> {
    let account = super::account(super::registration(&args.provider)?, global, environment)?;
    let now = environment.now();
    let described = async {
        let id = match Wanted::parse(&args.certificate) {
            Wanted::Id(id) => id,
            Wanted::Domain(domain) => {
                let rows = account.cloud.list().await?;
                inventory::find(&account, &rows, &domain, now, global.jobs.into()).await?
            }
        };
        Ok(account.cloud.describe(&id).await?)
    };
    let description = match described.await {
        Ok(description) => description,
        Err(failure) => {
            let row = Row::failed(account.provider, &account.name, None, Some(args.certificate.clone()), failure);
            return Ok(super::tell(&row));
        }
    };
    super::print(&match global.output {
        Output::Json => json::to_text(&json::Describe::new(account.provider, &account.name, &description, now))
            .map_err(|_| Failure::Bug)?,
        Output::Table => table::describe(account.provider, &account.name, &description, now),
    })?;
    Ok(Exit::Done)
}
