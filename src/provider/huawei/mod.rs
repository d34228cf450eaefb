//! Huawei Cloud SSL Certificate Manager (SCM), API v3 and the older v2.

mod api;
mod credential;
pub mod sign;

use futures_util::TryFutureExt as _;
use futures_util::future::BoxFuture;

use self::api::{Export, List, ListV2, Row, RowV2};
use super::lenient::read;
use super::paging::{self, Page, PageRequest};
use super::session::{Dialect, first_existing};
use super::{Certificate, Description, Link, Provider, ProviderError, Registration, Session, Setting, Settings};
use crate::bundle::Material;
use crate::http::{Method, Reply, Request, encode};

/// Huawei Cloud, as the rest of certctl knows it.
pub const REGISTRATION: Registration = Registration {
    name: "huawei",
    credentials: &credential::SOURCES,
    settings: &[
        Setting { key: "region", variable: "CERTCTL_HUAWEI_REGION", values: REGIONS },
        Setting { key: "api", variable: "CERTCTL_HUAWEI_API", values: &["v3", "v2"] },
        Setting { key: "project_id", variable: PROJECT_ID_VARIABLE, values: &[] },
        Setting { key: "domain_id", variable: "HUAWEICLOUD_SDK_DOMAIN_ID", values: &[] },
    ],
    endpoint: |settings| {
        // The service is global; only the sites of other countries have endpoints of their own.
        match settings.get("region") {
            Some("eu-west-101") => "https://scm.eu-west-101.myhuaweicloud.eu".to_owned(),
            Some(region @ ("ap-southeast-1" | "my-kualalumpur-1")) => format!("https://scm.{region}.myhuaweicloud.com"),
            _ => "https://scm.cn-north-4.myhuaweicloud.com".to_owned(),
        }
    },
    connect: |link, settings| Box::new(Huawei::new(link, settings)),
};

/// The regions that the service has endpoints in.
const REGIONS: &[&str] = &["cn-north-4", "ap-southeast-1", "my-kualalumpur-1", "eu-west-101"];

/// Huawei publishes no rate.
const DIALECT: Dialect =
    Dialect { sign: sign::sign, open: api::open, meaning: api::meaning, request_id: "x-request-id", rates: &[] };

/// Rows a page; the API takes 10, 20 or 50.
const PAGE_SIZE: u64 = 50;
const PROJECT_ID_VARIABLE: &str = "HUAWEICLOUD_SDK_PROJECT_ID";

/// The two generations of the API.
#[derive(Debug, Clone, Copy)]
enum Form {
    V3,
    V2,
}

/// One account at Huawei Cloud.
#[derive(Debug)]
struct Huawei {
    session: Session,
    settings: Settings,
}

impl Huawei {
    fn new(link: Link, settings: Settings) -> Self {
        Self { session: Session::new(link, &DIALECT), settings }
    }

    /// The forms of the API to try. The older one names the project in its paths, so it needs the project's id.
    fn forms(&self) -> &'static [Form] {
        match (self.settings.get("api"), self.settings.get("project_id")) {
            (Some("v2"), _) => &[Form::V2],
            (None, Some(_)) => &[Form::V3, Form::V2],
            _ => &[Form::V3],
        }
    }

    fn request(&self, method: Method, path: &str) -> Request {
        let request = Request::new(method, self.session.endpoint(), path);
        let scopes = [("x-project-id", "project_id"), ("x-domain-id", "domain_id")];
        scopes.iter().fold(request, |request, (header, key)| match self.settings.get(key) {
            Some(value) => request.header(header, value),
            None => request,
        })
    }

    /// A request of the older API, whose paths name the project.
    fn request_v2(&self, operation: &'static str, path: &str) -> Result<Request, ProviderError> {
        let missing = ProviderError::Setting { operation, setting: "project_id", variable: PROJECT_ID_VARIABLE };
        let project = self.settings.get("project_id").ok_or(missing)?;
        Ok(self.request(Method::Get, &format!("/v2/{}/scm{path}", encode(project))))
    }

    async fn list_all(&self, form: Form) -> Result<Vec<Certificate>, ProviderError> {
        match form {
            Form::V3 => {
                let row = |row| read::<Row>(row).certificate();
                paging::collect(api::LIST, PAGE_SIZE, |page| self.page(page), row).await
            }
            Form::V2 => {
                let row = |row| read::<RowV2>(row).certificate();
                paging::collect(api::LIST_V2, PAGE_SIZE, |page| self.page_v2(page), row).await
            }
        }
    }

    async fn page(&self, page: PageRequest) -> Result<Page, ProviderError> {
        let (limit, offset) = (PAGE_SIZE.to_string(), page.offset.to_string());
        let request =
            self.request(Method::Get, "/v3/scm/certificates").query(&[("limit", &limit), ("offset", &offset)]);
        let list: List = read(self.session.call(api::LIST, request).await?);
        Ok(Page { rows: list.certificates, total: list.total_count.0 })
    }

    async fn page_v2(&self, page: PageRequest) -> Result<Page, ProviderError> {
        let (limit, offset) = (PAGE_SIZE.to_string(), page.offset.to_string());
        let request = self.request_v2(api::LIST_V2, "/certlist")?.query(&[("limit", &limit), ("offset", &offset)]);
        let list: ListV2 = read(self.session.call(api::LIST_V2, request).await?);
        Ok(Page { rows: list.order_list, total: list.total.0 })
    }

    async fn describe_one(&self, id: &str, form: Form) -> Result<Description, ProviderError> {
        match form {
            Form::V3 => {
                let request = self.request(Method::Get, &format!("/v3/scm/certificates/{}", encode(id)));
                api::describe(self.session.call(api::DESCRIBE, request).await?).of(id, api::DESCRIBE)
            }
            Form::V2 => {
                let request = self.request_v2(api::DESCRIBE_V2, &format!("/cert/{}", encode(id)))?;
                api::describe_v2(self.session.call(api::DESCRIBE_V2, request).await?).of(id, api::DESCRIBE_V2)
            }
        }
    }

    async fn download_one(&self, id: &str, form: Form) -> Result<Material, ProviderError> {
        match form {
            Form::V3 => {
                let request = self.request(Method::Post, &format!("/v3/scm/certificates/{}/export", encode(id)));
                let export: Export = read(self.session.call(api::DOWNLOAD, request).await?);
                export.material().ok_or(ProviderError::Nothing { operation: api::DOWNLOAD })
            }
            Form::V2 => {
                let request = self.request_v2(api::DOWNLOAD_V2, &format!("/cert/{}/cert_file", encode(id)))?;
                self.session.exchange(api::DOWNLOAD_V2, request, |reply| self.archive(reply)).await
            }
        }
    }

    /// The older API's archive; what comes instead is JSON even with HTTP 200, or a gateway's page.
    fn archive(&self, reply: &Reply) -> Result<Material, ProviderError> {
        let start = reply.body.trim_ascii_start();
        if reply.status >= 400 || start.is_empty() || start.starts_with(b"{") || start.starts_with(b"<") {
            self.session.payload(api::DOWNLOAD_V2, reply)?;
            return Err(self.session.not_as_promised(api::DOWNLOAD_V2, reply, "neither an archive nor an error"));
        }
        Ok(Material::default().with("cert_file", reply.body.to_vec()))
    }
}

impl Provider for Huawei {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Certificate>, ProviderError>> {
        Box::pin(first_existing(self.forms(), |form| self.list_all(form)))
    }

    fn describe<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Description, ProviderError>> {
        let forms = first_existing(self.forms(), move |form| self.describe_one(id, form));
        Box::pin(forms.map_err(ProviderError::about_certificate))
    }

    fn download<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Material, ProviderError>> {
        let forms = first_existing(self.forms(), move |form| self.download_one(id, form));
        Box::pin(forms.map_err(ProviderError::about_certificate))
    }
}
