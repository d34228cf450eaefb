//! Paging, the forms of each API, and what the accounts may do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{Client, send};
use crate::sandbox::ctyun::Form;
use crate::sandbox::jdcloud::Forms;
use crate::sandbox::signature::Refusal;
use crate::sandbox::{Account, Cloud, Fault, Options, Sandbox};

/// Page `n`, counted from 0, and the total, as the cloud says them.
fn page(client: &Client<'_>, cloud: Cloud, n: usize, size: usize) -> (Vec<Value>, u64) {
    let (offset, number) = (n * size, n + 1);
    let (reply, rows, total) = match cloud {
        Cloud::Jdcloud => {
            let reply = client.get(&format!("/v1/sslCert?pageNumber={number}&pageSize={size}"));
            (reply, "/result/certListDetails", "/result/totalCount")
        }
        Cloud::Tencent => {
            let reply = client.action("DescribeCertificates", &json!({"Offset": offset, "Limit": size}));
            (reply, "/Response/Certificates", "/Response/TotalCount")
        }
        Cloud::Huawei => {
            let reply = client.get(&format!("/v3/scm/certificates?limit={size}&offset={offset}"));
            (reply, "/certificates", "/total_count")
        }
        Cloud::Ctyun => {
            let reply = client.get(&format!("/v1/listCertificate?page={number}&perPageNum={size}"));
            (reply, "/data/certList", "/data/total")
        }
        Cloud::Ccms => {
            let body = json!({"pageNum": number, "pageSize": size, "origin": "PURCHASE"});
            let reply = client.call("POST", "/v1/certificate/list", &body.to_string());
            (reply, "/returnObj/list", "/returnObj/totalSize")
        }
    };
    assert_eq!(reply.status, 200, "{cloud:?}");
    let json = reply.json();
    (
        json.pointer(rows).unwrap().as_array().cloned().unwrap_or_default(),
        json.pointer(total).unwrap().as_u64().unwrap(),
    )
}

fn id(row: &Value) -> String {
    ["certId", "CertificateId", "id"].iter().find_map(|name| row[name].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn pages_add_up_to_the_account() {
    let sandbox = Sandbox::start(Options { page_caps: vec![(Cloud::Tencent, 7)], ..Options::default() });
    for (cloud, asked, given) in [
        (Cloud::Jdcloud, 10, 10),
        (Cloud::Tencent, 7, 7),
        (Cloud::Huawei, 50, 50),
        (Cloud::Ctyun, 20, 20),
        (Cloud::Ccms, 20, 20),
    ] {
        let client = Client::new(&sandbox, cloud, Account::Healthy);
        let mut seen = Vec::new();
        for n in 0.. {
            let (rows, total) = page(&client, cloud, n, asked);
            assert!(rows.len() <= given, "{cloud:?}");
            seen.extend(rows.iter().map(id));
            if rows.is_empty() {
                assert_eq!(seen.len() as u64, total, "{cloud:?}");
                break;
            }
        }
        let held = sandbox.certificates(cloud, Account::Healthy);
        let want = held.iter().filter(|held| cloud != Cloud::Ccms || !held.uploaded);
        assert_eq!(seen, want.map(|held| held.id.clone()).collect::<Vec<_>>(), "{cloud:?}");
        assert!((30..=60).contains(&held.len()), "{cloud:?} holds {}", held.len());
    }
}

#[test]
fn larger_pages_are_not_given() {
    let sandbox = Sandbox::start(Options::default());
    for (cloud, asked, given) in [(Cloud::Jdcloud, 100, 10), (Cloud::Ctyun, 1000, 20)] {
        let client = Client::new(&sandbox, cloud, Account::Healthy);
        assert_eq!(page(&client, cloud, 0, asked).0.len(), given, "{cloud:?}");
    }
    let refused = Client::new(&sandbox, Cloud::Huawei, Account::Healthy).get("/v3/scm/certificates?limit=100&offset=0");
    assert_eq!((refused.status, refused.json()["error_code"].as_str()), (400, Some("SCM.0005")));
}

#[test]
fn accounts_that_list_oddly() {
    let sandbox = Sandbox::start(Options::default());
    for cloud in Cloud::ALL {
        let of = |account| Client::new(&sandbox, cloud, account);
        assert_eq!(page(&of(Account::Empty), cloud, 0, 10), (Vec::new(), 0), "{cloud:?}");

        let (rows, total) = page(&of(Account::Liar), cloud, 0, 10);
        assert!(total > rows.len() as u64, "{cloud:?}");
        assert_eq!(page(&of(Account::Liar), cloud, 1, 10).0, Vec::<Value>::new(), "{cloud:?}");

        let repeating = of(Account::Repeating);
        let ids = |n| page(&repeating, cloud, n, 10).0.iter().map(id).collect::<Vec<_>>();
        assert_eq!(ids(0), ids(7), "{cloud:?}");
    }
    let troubled = Client::new(&sandbox, Cloud::Tencent, Account::Troubled);
    let (rows, _) = page(&troubled, Cloud::Tencent, 0, 1000);
    assert!(rows.contains(&Value::Null), "a row that is null");
    let bare = rows.iter().find(|row| row["CertificateId"].is_string() && row["Status"].is_null()).unwrap();
    assert!(bare["Domain"].is_null() && bare["CertEndTime"].is_null(), "a row of nulls");
    assert!(rows.iter().any(|row| row["Domain"] == "../../etc/x"), "a domain that is a path");
}

#[test]
fn tokens_and_operation_protection() {
    let sandbox = Sandbox::start(Options::default());
    let mut client = Client::new(&sandbox, Cloud::Jdcloud, Account::Session);
    let refused = client.get("/v1/sslCert?pageNumber=1");
    assert_eq!((refused.status, refused.json()["error"]["code"].as_u64()), (401, Some(401)));
    client.headers.push(("x-jdcloud-security-token".into(), client.variable("JDCLOUD_SESSION_TOKEN")));
    assert_eq!(client.get("/v1/sslCert?pageNumber=1").status, 200);

    let mut client = Client::new(&sandbox, Cloud::Tencent, Account::ExpiredSession);
    client.headers.push(("x-tc-token".into(), client.variable("TENCENTCLOUD_TOKEN")));
    let refused = client.action("DescribeCertificates", &json!({})).json();
    assert_eq!(refused["Response"]["Error"]["Code"], "AuthFailure.TokenFailure");

    let mut client = Client::new(&sandbox, Cloud::Jdcloud, Account::Mfa);
    let id = &sandbox.certificates(Cloud::Jdcloud, Account::Mfa)[0].id;
    let target = format!("/v1/sslCert/{id}:download?serverType=Nginx");
    assert_eq!(client.get(&target).status, 403, "no code");
    client.headers.push(("x-jdcloud-security-token".into(), sandbox.mfa()));
    assert_eq!(client.get(&target).status, 403, "the code as it is typed");
    client.headers[0].1 = STANDARD.encode(sandbox.mfa());
    assert_eq!(client.get(&target).status, 200);
}

#[test]
fn a_nonce_is_for_once() {
    let sandbox = Sandbox::start(Options::default());
    let client = Client::new(&sandbox, Cloud::Jdcloud, Account::Healthy);
    assert_eq!(client.get("/v1/sslCert?pageNumber=1").status, 200);
    let first = sandbox.requests(Cloud::Jdcloud).remove(0);
    let headers = first.headers.into_iter().filter(|(name, _)| name.starts_with("x-") || name == "authorization");
    let host = sandbox.address(Cloud::Jdcloud).to_string();
    let again = send(&host, "GET", "/v1/sslCert?pageNumber=1", &headers.collect::<Vec<_>>(), b"").unwrap();
    assert_eq!(again.status, 401);
    let verdicts: Vec<_> = sandbox.requests(Cloud::Jdcloud).into_iter().map(|request| request.verdict).collect();
    assert_eq!(verdicts, [Ok(()), Err(Refusal::Replayed)]);
}

#[test]
fn forms_that_a_cloud_does_not_know() {
    let post = Forms { get: false, post: true, post_slash: false };
    let sandbox =
        Sandbox::start(Options { jd_forms: post, huawei_v3: false, ctyun_form: Form::V3, ..Options::default() });
    let jdcloud = Client::new(&sandbox, Cloud::Jdcloud, Account::Healthy);
    let id = sandbox.certificate(Cloud::Jdcloud, Account::Healthy, "deep chain").id;
    let body = json!({"certId": id, "serverType": "Nginx"}).to_string();
    assert_eq!(jdcloud.get(&format!("/v1/sslCert/{id}:download?serverType=Nginx")).status, 404);
    assert_eq!(jdcloud.call("POST", "/v1/sslCert/:download", &body).status, 404);
    let got = jdcloud.call("POST", "/v1/sslCert:download", &body).json();
    assert_eq!(got["result"]["certDesc"][0]["caCertFile"].as_str().unwrap().matches("BEGIN CERT").count(), 4);
    assert!(got["result"]["certDesc"][0]["keyFile"].as_str().unwrap().contains("\r\n"));

    let huawei = Client::new(&sandbox, Cloud::Huawei, Account::Healthy);
    let refused = huawei.get("/v3/scm/certificates");
    assert_eq!((refused.status, refused.json()["error_code"].as_str()), (404, Some("APIGW.0101")));
    let project = huawei.variable("HUAWEICLOUD_SDK_PROJECT_ID");
    assert_eq!(huawei.get(&format!("/v2/{project}/scm/certlist?limit=50")).json()["total"], 56);
    assert_eq!(huawei.get(&format!("/v2/{}/scm/certlist", "0".repeat(32))).status, 403);

    let ctyun = Client::new(&sandbox, Cloud::Ctyun, Account::Healthy);
    assert_eq!(ctyun.get("/v1/listCertificate").status, 404);
    assert_eq!(ctyun.get("/v3/ssl/listCertificate").json()["statusCode"], 200);
}

#[test]
fn the_rate_is_enforced() {
    let calls = |rates| {
        let sandbox = Sandbox::start(Options { rates, ..Options::default() });
        let client = Client::new(&sandbox, Cloud::Tencent, Account::Healthy);
        let id = sandbox.certificate(Cloud::Tencent, Account::Healthy, "pending").id;
        let call = |_| client.action("DescribeCertificate", &json!({"CertificateId": id})).json();
        (0..30).map(call).filter(|json| json["Response"]["Error"]["Code"] == "RequestLimitExceeded").count()
    };
    assert_eq!(calls(false), 0);
    assert!(calls(true) > 0);
}

#[test]
fn what_came_in_is_told() {
    let sandbox = Sandbox::start(Options::default());
    sandbox.fault(Cloud::Huawei, Fault::Status(503).on("ShowCertificate"));
    let client = Client::new(&sandbox, Cloud::Huawei, Account::Healthy);
    client.get("/v3/scm/certificates?limit=10&offset=0");
    client.get("/v3/scm/certificates/scs1");
    let told: Vec<_> =
        sandbox.requests(Cloud::Huawei).into_iter().map(|request| (request.operation, request.status)).collect();
    assert_eq!(told, [("ListCertificates".to_owned(), 200), ("ShowCertificate".to_owned(), 503)]);
}
