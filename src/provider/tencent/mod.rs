//! Tencent Cloud SSL Certificate Service, API 2019-12-05, the mainland and the international site.

mod api;
mod credential;
pub mod sign;

use futures_util::TryFutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use self::api::{Detail, Download, List, Row};
use super::lenient::read;
use super::paging::{self, Page, PageRequest};
use super::session::Dialect;
use super::{Certificate, Description, Link, Meaning, Provider, ProviderError, Registration, Session, Setting};
use crate::bundle::Material;
use crate::http::{Method, Request};

/// Tencent Cloud, as the rest of certctl knows it.
pub const REGISTRATION: Registration = Registration {
    name: "tencent",
    credentials: &credential::SOURCES,
    settings: &[Setting { key: "site", variable: "CERTCTL_TENCENT_SITE", values: &["cn", "intl"] }],
    endpoint: |settings| match settings.get("site") {
        Some("intl") => "https://ssl.intl.tencentcloudapi.com".to_owned(),
        _ => "https://ssl.tencentcloudapi.com".to_owned(),
    },
    connect: |link, _| Box::new(Tencent::new(link)),
};

const DIALECT: Dialect = Dialect {
    sign: sign::sign,
    open: api::open,
    meaning: api::meaning,
    request_id: "x-tc-requestid",
    rates: &[(api::LIST, 20), (api::DESCRIBE, 10), (api::DETAIL, 10), (api::DOWNLOAD, 20)],
};

/// Rows a page: the API's own maximum.
const PAGE_SIZE: u64 = 1_000;

/// One account at Tencent Cloud.
#[derive(Debug)]
struct Tencent {
    session: Session,
}

impl Tencent {
    fn new(link: Link) -> Self {
        Self { session: Session::new(link, &DIALECT) }
    }

    async fn call(&self, action: &'static str, parameters: &Value) -> Result<Value, ProviderError> {
        let request = Request::new(Method::Post, self.session.endpoint(), "/")
            .header("content-type", "application/json")
            .header("x-tc-action", action)
            .header("x-tc-version", "2019-12-05")
            // Messages in English; the API's default is Chinese.
            .header("x-tc-language", "en-US")
            .json(parameters);
        self.session.call(action, request).await
    }

    async fn list_all(&self) -> Result<Vec<Certificate>, ProviderError> {
        paging::collect(api::LIST, PAGE_SIZE, |page| self.page(page), |row| read::<Row>(row).certificate()).await
    }

    async fn page(&self, page: PageRequest) -> Result<Page, ProviderError> {
        // Server certificates only: the API also keeps client CAs, which have no key to hand out.
        let parameters = json!({"Offset": page.offset, "Limit": PAGE_SIZE, "CertificateType": "SVR"});
        let list: List = read(self.call(api::LIST, &parameters).await?);
        Ok(Page { rows: list.certificates, total: list.total_count.0 })
    }

    async fn describe_one(&self, id: &str) -> Result<Description, ProviderError> {
        let reply = self.call(api::DESCRIBE, &json!({"CertificateId": id})).await?;
        api::describe(reply).of(id, api::DESCRIBE)
    }

    /// The archive; where the cloud refuses it or sends none, the fields of the detail. Those are also asked for what an
    /// archive of an SM2 certificate leaves out: half of it is not to be installed as if it were all.
    async fn download_one(&self, id: &str) -> Result<Material, ProviderError> {
        let parameters = json!({"CertificateId": id});
        let refusal = match self.call(api::DOWNLOAD, &parameters).await {
            Ok(reply) => match read::<Download>(reply).content.0 {
                Some(content) => return self.completed(id, Material::default().with("Content", content)).await,
                None => None,
            },
            Err(error) if matches!(error.meaning(), Some(Meaning::NotDownloadable | Meaning::Other)) => Some(error),
            Err(error) => return Err(error),
        };
        tracing::info!("{id}: no archive to be had, so the key is read from {}", api::DETAIL);
        let detail: Detail = read(self.call(api::DETAIL, &parameters).await?);
        let material = detail.material();
        let nothing = || refusal.unwrap_or(ProviderError::Nothing { operation: api::DETAIL });
        material.ok_or_else(nothing)
    }

    async fn completed(&self, id: &str, material: Material) -> Result<Material, ProviderError> {
        if !material.lacks_encryption_half() {
            return Ok(material);
        }
        tracing::info!(
            "{id}: an SM2 certificate without an encryption half; whether it has one, {} tells",
            api::DETAIL
        );
        let detail: Detail = read(self.call(api::DETAIL, &json!({"CertificateId": id})).await?);
        Ok(detail.beside(material))
    }
}

impl Provider for Tencent {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Certificate>, ProviderError>> {
        Box::pin(self.list_all())
    }

    fn describe<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Description, ProviderError>> {
        Box::pin(self.describe_one(id).map_err(ProviderError::about_certificate))
    }

    fn download<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Material, ProviderError>> {
        Box::pin(self.download_one(id).map_err(ProviderError::about_certificate))
    }
}
