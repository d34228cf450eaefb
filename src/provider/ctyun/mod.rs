//! CTyun: the certificates of its edge cloud (product ecx), and its certificate service (product ccms).

mod api;
mod credential;
pub mod sign;

use std::collections::HashSet;

use futures_util::TryFutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use self::api::{CcmsExport, CcmsList, CcmsRow, EcxList, EcxRow};
use super::lenient::read;
use super::paging::{self, Page, PageRequest};
use super::session::{Dialect, first_existing};
use super::{Certificate, Description, Provider, ProviderError, Registration, Session, Setting};
use crate::bundle::Material;
use crate::http::{Method, Request};

/// CTyun, as the rest of certctl knows it.
pub const REGISTRATION: Registration = Registration {
    name: "ctyun",
    credentials: &credential::SOURCES,
    settings: &[Setting { key: "product", variable: "CERTCTL_CTYUN_PRODUCT", values: &["ecx", "ccms"] }],
    endpoint: |settings| match settings.get("product") {
        Some("ccms") => "https://ccms-global.ctapi.ctyun.cn".to_owned(),
        _ => "https://ecx-global.ctapi.ctyun.cn".to_owned(),
    },
    connect: |link, settings| match settings.get("product") {
        Some("ccms") => Box::new(Ccms { session: Session::new(link, &DIALECT) }),
        _ => Box::new(Ecx { session: Session::new(link, &DIALECT) }),
    },
};

/// CTyun publishes no rate for these products.
const DIALECT: Dialect =
    Dialect { sign: sign::sign, open: api::open, meaning: api::meaning, request_id: "x-trace-id", rates: &[] };

/// Rows a page to ask for at first; the API's cap is not documented.
const PAGE_SIZE: u64 = 100;

/// One account at the edge cloud.
#[derive(Debug)]
struct Ecx {
    session: Session,
}

/// The paths that the edge cloud's calls have had: the seed's, then today's. Their replies differ in the envelope only.
const ECX_FORMS: &[&str] = &["/v1", "/v3/ssl"];

impl Ecx {
    async fn call(&self, form: &str, operation: &'static str, query: &[(&str, &str)]) -> Result<Value, ProviderError> {
        let request = Request::new(Method::Get, self.session.endpoint(), &format!("{form}/{operation}"));
        self.session.call(operation, request.header("content-type", "application/json").query(query)).await
    }

    async fn list_all(&self, form: &str) -> Result<Vec<Certificate>, ProviderError> {
        let row = |row| read::<EcxRow>(row).certificate();
        paging::collect(api::ECX_LIST, PAGE_SIZE, |page| self.page(form, page), row).await
    }

    async fn page(&self, form: &str, page: PageRequest) -> Result<Page, ProviderError> {
        let (number, size) = (page.number.to_string(), page.size.to_string());
        let query = [("page", number.as_str()), ("perPageNum", size.as_str())];
        let list: EcxList = read(self.call(form, api::ECX_LIST, &query).await?);
        Ok(Page { rows: list.cert_list, total: list.total.0 })
    }

    /// The one call that tells everything, key included.
    async fn get(&self, id: &str) -> Result<Value, ProviderError> {
        let query = [("certificateId", id)];
        let reply = first_existing(ECX_FORMS, |form| self.call(form, api::ECX_GET, &query)).await?;
        if reply.is_object() { Ok(reply) } else { Err(ProviderError::Nothing { operation: api::ECX_GET }) }
    }

    async fn describe_one(&self, id: &str) -> Result<Description, ProviderError> {
        api::describe_ecx(self.get(id).await?).of(id, api::ECX_GET)
    }

    async fn download_one(&self, id: &str) -> Result<Material, ProviderError> {
        let row: EcxRow = read(self.get(id).await?);
        ProviderError::unless_about(api::ECX_GET, id, row.id.as_str(), None)?;
        row.material().ok_or(ProviderError::Nothing { operation: api::ECX_GET })
    }
}

impl Provider for Ecx {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Certificate>, ProviderError>> {
        Box::pin(first_existing(ECX_FORMS, |form| self.list_all(form)))
    }

    fn describe<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Description, ProviderError>> {
        Box::pin(self.describe_one(id).map_err(ProviderError::about_certificate))
    }

    fn download<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Material, ProviderError>> {
        Box::pin(self.download_one(id).map_err(ProviderError::about_certificate))
    }
}

/// One account at the certificate service.
#[derive(Debug)]
struct Ccms {
    session: Session,
}

impl Ccms {
    async fn call(&self, operation: &'static str, parameters: &Value) -> Result<Value, ProviderError> {
        let request = Request::new(Method::Post, self.session.endpoint(), operation);
        self.session.call(operation, request.header("content-type", "application/json").json(parameters)).await
    }

    /// Bought and uploaded certificates are listed apart.
    async fn list_all(&self) -> Result<Vec<Certificate>, ProviderError> {
        let mut certificates: Vec<Certificate> = Vec::new();
        for origin in ["PURCHASE", "UPLOAD"] {
            let row = |row| read::<CcmsRow>(row).certificate();
            let of_origin = paging::collect(api::CCMS_LIST, PAGE_SIZE, |page| self.page(origin, page), row).await?;
            let known: HashSet<_> = certificates.iter().map(|row| row.id.clone()).collect();
            certificates.extend(of_origin.into_iter().filter(|row| !known.contains(&row.id)));
        }
        Ok(certificates)
    }

    async fn page(&self, origin: &str, page: PageRequest) -> Result<Page, ProviderError> {
        let parameters = json!({"origin": origin, "pageNum": page.number, "pageSize": page.size});
        let list: CcmsList = read(self.call(api::CCMS_LIST, &parameters).await?);
        Ok(Page { rows: list.list, total: list.total_size.0 })
    }

    async fn detail(&self, id: &str) -> Result<Value, ProviderError> {
        let reply = self.call(api::CCMS_DETAIL, &json!({"id": id})).await?;
        if reply.is_object() { Ok(reply) } else { Err(ProviderError::Nothing { operation: api::CCMS_DETAIL }) }
    }

    async fn describe_one(&self, id: &str) -> Result<Description, ProviderError> {
        api::describe_ccms(self.detail(id).await?).of(id, api::CCMS_DETAIL)
    }

    /// The export wants the resource's id, which only listing and detail tell.
    async fn download_one(&self, id: &str) -> Result<Material, ProviderError> {
        let detail: CcmsRow = read(self.detail(id).await?);
        ProviderError::unless_about(api::CCMS_DETAIL, id, detail.id.as_str(), None)?;
        let resource = json!({"resourceId": detail.resource_id.0.as_deref().unwrap_or(id)});
        let export: CcmsExport = read(self.call(api::CCMS_EXPORT, &resource).await?);
        export.material().ok_or(ProviderError::Nothing { operation: api::CCMS_EXPORT })
    }
}

impl Provider for Ccms {
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
