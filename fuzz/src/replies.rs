//! What clouds reply: each operation of each of them is given the input in place of what it waits for.

use std::collections::HashSet;
use std::time::Duration;

use certctl::credential::Credentials;
use certctl::environment::Environment;
use certctl::http::{Client, Endpoint, Retries};
use certctl::provider::{Link, ProviderError, REGISTRY, Settings};
use tokio::runtime::{Builder, Runtime};

use super::BETWEEN;
use super::judge::{NOW, assemble, message};
use super::loopback::{Loopback, Script};

/// What signs; it is in no message.
const SECRET: &str = "c2VjcmV0LWNhbmFyeS1vZi1mdXp6";
/// No operation asks more often, whatever it is told.
const MOST: usize = 2_500;

struct Desk {
    runtime: Runtime,
    client: Client,
    server: Loopback,
}

impl Desk {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, client: Client::new(Duration::from_secs(20)).unwrap(), server: Loopback::start() }
    }
}

thread_local! {
    static DESK: Desk = Desk::new();
}

/// First byte: the cloud, the operation and whether what follows is all of HTTP or the bodies of replies; after it, the
/// first half of the settings. Each body may begin with the status and a blank.
pub fn replies(data: &[u8]) {
    let [choice, rest @ ..] = data else { return };
    let script = match choice & 0x80 {
        0 => Script::Http(rest.split(|byte| *byte == BETWEEN).map(status_and_body).collect()),
        _ => Script::Raw { bytes: rest.to_vec(), waits: true },
    };
    DESK.with(|desk| asked(desk, *choice & 0x7f, script));
}

fn status_and_body(reply: &[u8]) -> (u16, Vec<u8>) {
    match reply.split_at_checked(4) {
        Some((status @ [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9', b' '], body)) => {
            (status[..3].iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')), body.to_vec())
        }
        _ => (200, reply.to_vec()),
    }
}

fn asked(desk: &Desk, choice: u8, script: Script) {
    desk.server.says(script);
    let registration = REGISTRY[usize::from(choice & 3)];
    // The other API of the same cloud, where there is one.
    let second = |values: &[&'static str]| values.get(1).copied().filter(|_| choice & 0x10 != 0);
    let settings = Settings::default().or(registration
        .settings
        .iter()
        .filter_map(|setting| Some((setting.key, second(setting.values)?.to_owned())))
        .collect());
    let link = Link {
        client: desk.client.clone(),
        endpoint: Endpoint::parse(&format!("http://127.0.0.1:{}", desk.server.port)).unwrap(),
        credentials: Credentials {
            access_key: "AKfuzz".to_owned(),
            secret_key: SECRET.into(),
            session_token: None,
            mfa: None,
        },
        environment: Environment::new([], || NOW),
        retries: Retries::new(0),
        requests_per_second: Some(1_000_000_000),
    };
    let cloud = (registration.connect)(link, settings);
    match (choice >> 2) & 3 {
        0 => {
            let Ok(rows) = desk.runtime.block_on(cloud.list()).map_err(|error| refused(&error)) else { return };
            let ids: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
            assert!(ids.len() == rows.len() && !ids.contains(""), "{rows:?}");
            for row in &rows {
                let names: HashSet<&String> = row.domains.iter().collect();
                assert_eq!(names.len(), row.domains.len(), "{row:?}");
            }
        }
        1 => {
            let described = desk.runtime.block_on(cloud.describe("id-1")).map_err(|error| refused(&error));
            if let Ok(described) = described {
                assert!(!serde_json::to_string(&described.provider_fields).unwrap().contains(SECRET));
            }
        }
        _ => {
            if let Ok(material) = desk.runtime.block_on(cloud.download("id-1")).map_err(|error| refused(&error)) {
                let _ = assemble(&material, &[]);
            }
        }
    }
    assert!(desk.server.asked() <= MOST, "{} requests", desk.server.asked());
}

fn refused(error: &ProviderError) {
    message(error);
    assert!(!error.to_string().contains(SECRET) && !format!("{error:?}").contains(SECRET), "{error:?}");
}
