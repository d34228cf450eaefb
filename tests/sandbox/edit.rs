//! Replies that are whole, and say something else than the cloud would.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};

use super::wire::{Payload, Reply};

/// Where a listing has what a page is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The rows, as a JSON pointer.
    pub(crate) rows: &'static str,
    /// A row's id.
    pub(crate) id: &'static str,
    /// How many rows there are on all pages, as a JSON pointer.
    pub(crate) total: &'static str,
}

/// What a listing says that is not so. The total follows, but for a lie about just that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Every page brings so many new certificates.
    NeverEnds(usize),
    /// As many certificates, a thousand on a page.
    Holds(usize),
    /// Every certificate twice, one row after the other.
    Twice,
    /// Every page begins with the row that the one before ended with.
    Overlaps,
    /// The first page again and again, though more is promised.
    Repeats,
    /// A hundred more than there are, and empty pages where they should be.
    PromisesMore,
    /// A total of one.
    PromisesOne,
}

impl Lie {
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("never-ends", Self::NeverEnds(100)),
        ("twice", Self::Twice),
        ("overlaps", Self::Overlaps),
        ("repeats", Self::Repeats),
        ("promises-more", Self::PromisesMore),
        ("promises-one", Self::PromisesOne),
    ];

    /// A page of what is listed, and the total.
    pub(crate) fn page<T: Copy>(self, listed: &[T], offset: usize, limit: usize) -> (Vec<T>, usize) {
        let rows = |offset: usize| listed.iter().skip(offset).take(limit).copied().collect::<Vec<T>>();
        let total = listed.len();
        match self {
            Self::Twice => {
                let rows = listed.iter().flat_map(|row| [*row, *row]).skip(offset).take(limit);
                (rows.collect(), 2 * total)
            }
            Self::Overlaps => (rows(offset.saturating_sub(1)), total),
            Self::Repeats => (rows(0), total + 100),
            Self::PromisesMore => (rows(offset), total + 100),
            Self::PromisesOne => (rows(offset), 1),
            Self::NeverEnds(_) | Self::Holds(_) => (rows(offset), total),
        }
    }

    /// The rows of made-up certificates, of which nothing is told but an id that no other has.
    fn made_up(self, shape: Shape, reply: &mut Value) {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let (count, total) = match self {
            Self::NeverEnds(count) => (count, 1_000_000_000),
            Self::Holds(total) => (1_000.min(total), total),
            _ => return,
        };
        let first = MADE.fetch_add(count, Ordering::Relaxed);
        let row = |n: usize| Value::Object(Map::from_iter([(shape.id.to_owned(), json!(format!("made-up-{n}")))]));
        let rows = (first..first + count).map(row).collect();
        if let Some(place) = reply.pointer_mut(shape.rows) {
            *place = Value::Array(rows);
        }
        if let Some(place) = reply.pointer_mut(shape.total) {
            *place = json!(total);
        }
    }
}

/// What is done to the body of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Edit {
    /// These bytes instead of it, with status 200.
    Instead(Arc<[u8]>),
    /// These bytes before it.
    Before(Arc<[u8]>),
    /// These bytes, which need not be JSON, in the place that a JSON pointer names.
    Field(String, Arc<[u8]>),
    /// The field that a JSON pointer names is missing.
    Missing(String),
    /// A listing that lies.
    Listing(Lie),
}

impl Edit {
    /// What a field becomes, or where nothing is said of that, that it is missing.
    pub(crate) fn field(pointer: &str, text: Option<&[u8]>) -> Self {
        match text {
            Some(text) => Self::Field(pointer.to_owned(), text.into()),
            None => Self::Missing(pointer.to_owned()),
        }
    }

    pub(crate) fn apply(&self, shape: Shape, mut reply: Reply) -> Reply {
        let Payload::Whole(bytes) = &reply.body else { return reply };
        let json = || serde_json::from_slice::<Value>(bytes).ok();
        let edited = match self {
            Self::Instead(instead) => return Reply::new(200, "application/json", instead.to_vec()),
            Self::Before(before) => Some([&**before, bytes].concat()),
            Self::Field(pointer, text) => json().and_then(|reply| put(reply, pointer, text)),
            Self::Missing(pointer) => json().map(|mut reply| {
                remove(&mut reply, pointer);
                reply.to_string().into_bytes()
            }),
            Self::Listing(lie) => json().map(|mut reply| {
                lie.made_up(shape, &mut reply);
                reply.to_string().into_bytes()
            }),
        };
        if let Some(edited) = edited {
            reply.body = Payload::Whole(edited);
        }
        reply
    }
}

fn put(mut reply: Value, pointer: &str, text: &[u8]) -> Option<Vec<u8>> {
    const PLACE: &str = "here the field is to be";
    *reply.pointer_mut(pointer)? = json!(PLACE);
    let written = reply.to_string();
    let (before, after) = written.split_once(&format!("\"{PLACE}\""))?;
    Some([before.as_bytes(), text, after.as_bytes()].concat())
}

fn remove(reply: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    match reply.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&name.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(values)) => {
            if let Some(index) = name.parse::<usize>().ok().filter(|index| *index < values.len()) {
                values.remove(index);
            }
        }
        _ => {}
    }
}
