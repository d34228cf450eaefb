//! JD Cloud SSL certificate service, API v1, revision 1.0.2.

mod api;
mod credential;
pub mod sign;

use futures_util::TryFutureExt as _;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use self::api::{Download, List, Row};
use super::lenient::read;
use super::paging::{self, Page, PageRequest};
use super::session::{Dialect, first_existing};
use super::{Certificate, Description, Link, Meaning, Provider, ProviderError, Registration, Session};
use crate::bundle::Material;
use crate::http::{Method, Request, encode};

/// JD Cloud, as the rest of certctl knows it.
pub const REGISTRATION: Registration = Registration {
    name: "jdcloud",
    credentials: &credential::SOURCES,
    settings: &[],
    endpoint: |_| "https://ssl.jdcloud-api.com".to_owned(),
    connect: |link, _| Box::new(JdCloud::new(link)),
};

/// JD Cloud publishes no rate.
const DIALECT: Dialect = Dialect {
    sign: sign::sign,
    open: api::open,
    meaning: api::meaning,
    request_id: "x-jdcloud-request-id",
    rates: &[],
};

/// Gives the value that operation protection asks for.
const MFA_VARIABLE: &str = "CERTCTL_JDCLOUD_MFA";
/// Rows a page to ask for at first; the API's cap is not documented.
const PAGE_SIZE: u64 = 100;

/// The server type whose files are PEM.
const SERVER_TYPE: &str = "Nginx";

/// The forms that the download call has had.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// Since 2019-10: the id in the path.
    Get,
    /// Before: the id in the body; the path was written in two ways.
    Post(&'static str),
}

/// One account at JD Cloud.
#[derive(Debug)]
struct JdCloud {
    session: Session,
}

impl JdCloud {
    fn new(link: Link) -> Self {
        Self { session: Session::new(link, &DIALECT) }
    }

    fn request(&self, method: Method, path: &str) -> Request {
        let request = Request::new(method, self.session.endpoint(), &format!("/v1{path}"));
        // The SDKs send the content type with requests that have no body, too.
        request.header("content-type", "application/json")
    }

    async fn list_all(&self) -> Result<Vec<Certificate>, ProviderError> {
        let row = |row| read::<Row>(row).certificate(self.session.now());
        paging::collect(api::LIST, PAGE_SIZE, |page| self.page(page), row).await
    }

    async fn page(&self, page: PageRequest) -> Result<Page, ProviderError> {
        let (number, size) = (page.number.to_string(), page.size.to_string());
        let request = self.request(Method::Get, "/sslCert").query(&[("pageNumber", &number), ("pageSize", &size)]);
        let list: List = read(self.session.call(api::LIST, request).await?);
        Ok(Page { rows: list.cert_list_details, total: list.total_count.0 })
    }

    async fn describe_one(&self, id: &str) -> Result<Description, ProviderError> {
        let request = self.request(Method::Get, &format!("/sslCert/{}", encode(id)));
        let reply = self.session.call(api::DESCRIBE, request).await?;
        api::describe(reply, self.session.now()).of(id, api::DESCRIBE)
    }

    /// Today's form of the call, then the two older ones where the one before does not exist.
    async fn download_one(&self, id: &str) -> Result<Material, ProviderError> {
        let forms = [Form::Get, Form::Post("/sslCert%3Adownload"), Form::Post("/sslCert/%3Adownload")];
        let download: Download = read(first_existing(&forms, |form| self.download_as(id, form)).await?);
        download.material(id)?.ok_or(ProviderError::Nothing { operation: api::DOWNLOAD })
    }

    async fn download_as(&self, id: &str, form: Form) -> Result<Value, ProviderError> {
        let request = match form {
            Form::Get => {
                let path = format!("/sslCert/{}%3Adownload", encode(id));
                self.request(Method::Get, &path).query(&[("serverType", SERVER_TYPE)])
            }
            Form::Post(path) => {
                self.request(Method::Post, path).json(&json!({"certId": id, "serverType": SERVER_TYPE}))
            }
        };
        self.session.call(api::DOWNLOAD, self.protected(request)).await.map_err(may_want_mfa)
    }

    /// Adds the operation-protection value, where there is one.
    fn protected(&self, request: Request) -> Request {
        match &self.session.credentials().mfa {
            Some(mfa) => request.header(sign::SECURITY_TOKEN, sign::encode_mfa(mfa.expose_secret())),
            None => request,
        }
    }
}

/// A download refused for want of the second factor often cannot be told from one that is not permitted.
fn may_want_mfa(mut error: ProviderError) -> ProviderError {
    if let ProviderError::Refused(refusal) = &mut error {
        let message = refusal.message.to_lowercase();
        let asks = ["mfa", "operation protection", sign::SECURITY_TOKEN].iter().any(|words| message.contains(words));
        if asks || refusal.meaning == Meaning::Permission {
            refusal.meaning = Meaning::Mfa(Some(MFA_VARIABLE));
        }
    }
    error
}

impl Provider for JdCloud {
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
