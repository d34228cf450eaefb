//! What goes wrong at a cloud or on the way to it, at every cloud and in every command: the exit code, the one line
//! that says what to do, an untouched disk, and no more requests than can help.

mod clock;
mod fields;
mod keys;
mod listings;
mod matrix;
mod others;
mod passing;
mod scene;
mod slow;
mod tls;

use std::collections::HashSet;

use crate::cli::PROVIDERS;
use crate::sandbox::{Options, Request, Sandbox};
use scene::Scene;

/// Runs the same for every provider, at the same time: nearly all of it is waiting. Gives the number of cases.
fn at_every_cloud(test: impl Fn(&Scene<'_>) -> usize + Sync) -> usize {
    in_lanes(1, |scene, _| test(scene))
}

/// The same with several sandboxes, whose faults do not get in each other's way; the test gets its lane's number.
fn in_lanes(lanes: usize, test: impl Fn(&Scene<'_>, usize) -> usize + Sync) -> usize {
    let sandboxes: Vec<Sandbox> = (0..lanes).map(|_| Sandbox::start(Options::default())).collect();
    let test = &test;
    std::thread::scope(|scope| {
        let lanes = sandboxes.iter().enumerate();
        let runs =
            lanes.flat_map(|(lane, sandbox)| PROVIDERS.map(|(provider, cloud)| (lane, sandbox, provider, cloud)));
        let spawn =
            |(lane, sandbox, provider, cloud)| scope.spawn(move || test(&Scene::new(sandbox, provider, cloud), lane));
        let threads: Vec<_> = runs.map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// What may never come twice: JD Cloud's nonce and CTyun's request id. The other two sign the time, in seconds; that
/// each try has its own shows where tries are a second apart.
fn seals(requests: &[Request]) -> HashSet<String> {
    let seal = |(n, request): (usize, &Request)| {
        let nonce = ["x-jdcloud-nonce", "ctyun-eop-request-id"].iter().find_map(|name| header(request, name));
        nonce.unwrap_or_else(|| n.to_string())
    };
    requests.iter().enumerate().map(seal).collect()
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}
