//! What accounts hold can change, and how slow and how large they are can be chosen.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Answer, Client};
use crate::sandbox::pki::KeyKind;
use crate::sandbox::{Account, Certificate, Cloud, Options, Sandbox, Trouble};

const FOUR: [Cloud; 4] = [Cloud::Jdcloud, Cloud::Tencent, Cloud::Huawei, Cloud::Ctyun];

/// A certificate asked for by its id, as the cloud describes it.
fn describe(sandbox: &Sandbox, cloud: Cloud, id: &str) -> Answer {
    let client = Client::new(sandbox, cloud, Account::Healthy);
    match cloud {
        Cloud::Jdcloud => client.get(&format!("/v1/sslCert/{id}")),
        Cloud::Tencent => client.action("DescribeCertificate", &json!({"CertificateId": id})),
        Cloud::Huawei => client.get(&format!("/v3/scm/certificates/{id}")),
        Cloud::Ctyun => client.get(&format!("/v1/getCertificate?certificateId={id}")),
        Cloud::Ccms => client.call("POST", "/v1/certificate/detail", &json!({"id": id}).to_string()),
    }
}

/// Every id that the cloud lists, large pages asked for.
fn listed(sandbox: &Sandbox, cloud: Cloud) -> Vec<String> {
    let client = Client::new(sandbox, cloud, Account::Healthy);
    let mut ids = Vec::new();
    for n in 0.. {
        let (reply, rows, id) = match cloud {
            Cloud::Tencent => {
                let reply = client.action("DescribeCertificates", &json!({"Offset": n * 1000, "Limit": 1000}));
                (reply, "/Response/Certificates", "CertificateId")
            }
            Cloud::Huawei => {
                let reply = client.get(&format!("/v3/scm/certificates?limit=50&offset={}", n * 50));
                (reply, "/certificates", "id")
            }
            Cloud::Jdcloud => {
                let reply = client.get(&format!("/v1/sslCert?pageNumber={}&pageSize=10", n + 1));
                (reply, "/result/certListDetails", "certId")
            }
            _ => {
                let reply = client.get(&format!("/v1/listCertificate?page={}&perPageNum=20", n + 1));
                (reply, "/data/certList", "id")
            }
        };
        let json = reply.json();
        let Some(rows) = json.pointer(rows).and_then(Value::as_array).filter(|rows| !rows.is_empty()) else { break };
        ids.extend(rows.iter().map(|row| row[id].as_str().unwrap().to_owned()));
    }
    ids
}

#[test]
fn a_renewal_starts_later_and_ends_earlier() {
    let sandbox = Sandbox::start(Options::default());
    for cloud in FOUR {
        for label in ["deep chain", "rsa 4096", "multi domain", "cn only", "idn", "expiring"] {
            let old = sandbox.certificate(cloud, Account::Healthy, label);
            let new = sandbox.renew(cloud, Account::Healthy, &old.id);
            let ((old_from, old_to), (from, to)) = (old.validity.unwrap(), new.validity.unwrap());
            assert!(from > old_from && to < old_to && new.in_date(), "{label}: {from} to {to}");
            assert_ne!(old.id, new.id);
            assert_eq!((&old.names, old.key, &old.alias), (&new.names, new.key, &new.alias));
            let (old, new) = (old.material().unwrap(), new.material().unwrap());
            assert_eq!(old.chain.len(), new.chain.len(), "{label}");
            assert_ne!(old.leaf, new.leaf);
        }
    }
}

#[test]
fn renewals_of_renewals_are_each_newer() {
    let sandbox = Sandbox::start(Options::default());
    let mut newest = sandbox.certificate(Cloud::Ctyun, Account::Healthy, "plain");
    let mut ids = HashSet::from([newest.id.clone()]);
    for _ in 0..40 {
        let next = sandbox.renew(Cloud::Ctyun, Account::Healthy, &newest.id);
        assert!(next.validity.unwrap().0 > newest.validity.unwrap().0 && next.in_date());
        assert!(ids.insert(next.id.clone()));
        // An id that is gone is not given again.
        sandbox.withdraw(Cloud::Ctyun, Account::Healthy, &newest.id);
        newest = next;
    }
}

#[test]
fn the_cloud_lists_what_is_renewed_and_forgets_what_is_withdrawn() {
    let sandbox = Sandbox::start(Options::default());
    for cloud in FOUR {
        let old = sandbox.certificate(cloud, Account::Healthy, "deep chain").id;
        let new = sandbox.renew(cloud, Account::Healthy, &old).id;
        let shared = sandbox.issue(cloud, Account::Healthy, &["www.shared.example", "shared.example"], (-3, 40));
        assert_eq!(shared.domain, "www.shared.example");
        let ids = listed(&sandbox, cloud);
        assert!([&old, &new, &shared.id].iter().all(|id| ids.contains(id)), "{cloud:?}");
        let found = describe(&sandbox, cloud, &new);

        sandbox.withdraw(cloud, Account::Healthy, &new);
        let ids = listed(&sandbox, cloud);
        assert!(ids.contains(&old) && !ids.contains(&new), "{cloud:?}");
        let gone = describe(&sandbox, cloud, &new);
        let text = |answer: &Answer| String::from_utf8_lossy(&answer.body).into_owned();
        assert!(text(&found).contains("deep.") && !text(&gone).contains("deep."), "{cloud:?}: {}", text(&gone));
        assert_eq!(listed(&sandbox, cloud).len(), sandbox.certificates(cloud, Account::Healthy).len());
    }
}

#[test]
fn a_renewal_may_be_broken() {
    let sandbox = Sandbox::start(Options::default());
    let old = sandbox.certificate(Cloud::Jdcloud, Account::Healthy, "p384");
    let key = |certificate: &Certificate| certificate.material().unwrap().key;
    let good = sandbox.renew(Cloud::Jdcloud, Account::Healthy, &old.id);
    let bad = sandbox.renew_with(Cloud::Jdcloud, Account::Healthy, &good.id, Trouble::WrongKey);
    assert_eq!(key(&good), Some(good.issued.clone().unwrap().key));
    assert_ne!(key(&bad), Some(bad.issued.clone().unwrap().key));
    assert_eq!(bad.key, KeyKind::P384Pkcs8);
}

#[test]
fn every_reply_takes_as_long_as_is_said() {
    let latency = Duration::from_millis(300);
    let sandbox = Sandbox::start(Options { latency, ..Options::default() });
    let ask = || Client::new(&sandbox, Cloud::Huawei, Account::Healthy).get("/v3/scm/certificates?limit=1&offset=0");
    let since = Instant::now();
    assert_eq!(ask().status, 200);
    assert!(since.elapsed() >= latency);

    // All at the same time: one after the other, eight would take eight times as long.
    let since = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(ask);
        }
    });
    assert!((latency..8 * latency).contains(&since.elapsed()), "{:?}", since.elapsed());
    assert_eq!(sandbox.tally(Cloud::Huawei, 0), BTreeMap::from([("ListCertificates".to_owned(), 9)]));
    assert_eq!(sandbox.tally(Cloud::Huawei, 9), BTreeMap::new());
}

#[test]
fn many_certificates_of_different_names() {
    let sandbox = Sandbox::start(Options { bulk: 120, ..Options::default() });
    for cloud in FOUR {
        let held = sandbox.certificates(cloud, Account::Bulk);
        let names: HashSet<_> = held.iter().map(|certificate| certificate.domain.clone()).collect();
        let ids: HashSet<_> = held.iter().map(|certificate| certificate.id.clone()).collect();
        assert_eq!((held.len(), names.len(), ids.len()), (120, 120, 120));
        assert!(names.contains(&format!("bulk-0001.{}", cloud.domain())) && held.iter().all(Certificate::in_date));
    }
    let none = Sandbox::start(Options::default());
    assert!(none.certificates(Cloud::Tencent, Account::Bulk).is_empty(), "only where they are asked for");
}
