//! What can be made to go wrong, and when.

use std::time::Duration;

use super::broken::{Packing, Wire};
use super::edit::{Edit, Lie};

/// Something that goes wrong at a cloud or on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This HTTP status, in the cloud's own words; a redirect leads to a captive portal.
    Status(u16),
    /// This HTTP status with a `Retry-After` of so many seconds.
    RetryAfter(u16, u64),
    /// The cloud's own code for too many requests.
    Busy,
    /// Nobody listens on the port. Cannot be limited to some requests.
    Refused,
    /// A TCP reset instead of a reply.
    Reset,
    /// A TCP reset in the middle of the body.
    ResetMidReply,
    /// The connection ends, in order, before the body does.
    Truncated,
    WrongKey,
    MissingIntermediate,
    /// A body without end.
    Endless,
    /// A byte now and then.
    Drip,
    /// No reply, ever.
    Hang,
    /// A captive portal's page, with status 200.
    Html,
    /// A page with this status, as gateways and proxies send.
    Page(u16),
    /// Status 200 and nothing.
    Empty,
    InvalidUtf8,
    /// JSON nested 100 000 deep.
    DeepJson,
    /// The cloud's clock is ahead of ours by so many seconds.
    Skew(i64),
    /// The body compressed, though nobody asked for it.
    Gzip,
    /// A small body that is huge once it is unpacked, though nobody asked for packing.
    Bomb(Packing),
    /// HTTP itself is broken.
    Wire(Wire),
    /// The reply says something else.
    Edit(Edit),
    /// Whatever certificate is asked for, the answer is about another one of the account.
    Another,
}

impl Fault {
    /// This fault, for the next `times` requests only.
    pub(crate) fn times(self, times: u32) -> Plan {
        Plan { times: Some(times), ..self.into() }
    }

    /// This fault, for one operation only, named as the sandbox logs it.
    pub(crate) fn on(self, operation: &str) -> Plan {
        Plan { operation: Some(operation.to_owned()), ..self.into() }
    }

    const NAMES: [(&'static str, Self); 20] = [
        ("busy", Self::Busy),
        ("refused", Self::Refused),
        ("reset", Self::Reset),
        ("reset-mid-reply", Self::ResetMidReply),
        ("truncated", Self::Truncated),
        ("wrong-key", Self::WrongKey),
        ("missing-intermediate", Self::MissingIntermediate),
        ("endless", Self::Endless),
        ("drip", Self::Drip),
        ("hang", Self::Hang),
        ("html", Self::Html),
        ("empty", Self::Empty),
        ("invalid-utf8", Self::InvalidUtf8),
        ("deep-json", Self::DeepJson),
        ("redirect", Self::Status(302)),
        ("gzip", Self::Gzip),
        ("gzip-bomb", Self::Bomb(Packing::Gzip)),
        ("deflate-bomb", Self::Bomb(Packing::Deflate)),
        ("br-bomb", Self::Bomb(Packing::Br)),
        ("another", Self::Another),
    ];

    /// `429`, `503:2` (with Retry-After), `skew:3600`, `html:502`, `wire:NAME`, `listing:NAME`, `body:TEXT`,
    /// `field:POINTER=JSON`, `missing:POINTER`, or a name.
    fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            Some(("skew", seconds)) => Some(Self::Skew(seconds.parse().ok()?)),
            Some(("html", status)) => Some(Self::Page(status.parse().ok()?)),
            Some(("wire", name)) => {
                Wire::NAMES.iter().find(|(known, _)| *known == name).map(|(_, wire)| (*wire).into())
            }
            Some(("listing", name)) => {
                Lie::NAMES.iter().find(|(known, _)| *known == name).map(|(_, lie)| (*lie).into())
            }
            Some(("body", text)) => Some(Edit::Instead(text.as_bytes().into()).into()),
            Some(("field", change)) => {
                let (pointer, text) = change.split_once('=')?;
                Some(Edit::field(pointer, Some(text.as_bytes())).into())
            }
            Some(("missing", pointer)) => Some(Edit::field(pointer, None).into()),
            Some((status, seconds)) => Some(Self::RetryAfter(status.parse().ok()?, seconds.parse().ok()?)),
            None => match text.parse() {
                Ok(status) => (300..600).contains(&status).then_some(Self::Status(status)),
                Err(_) => Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, fault)| fault.clone()),
            },
        }
    }
}

/// A fault, and the requests that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// For ever if not given.
    pub(crate) times: Option<u32>,
    /// Every operation if not given.
    pub(crate) operation: Option<String>,
}

impl Plan {
    pub(crate) fn on(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }
}

impl From<Wire> for Fault {
    fn from(wire: Wire) -> Self {
        Self::Wire(wire)
    }
}

impl From<Edit> for Fault {
    fn from(edit: Edit) -> Self {
        Self::Edit(edit)
    }
}

impl From<Lie> for Fault {
    fn from(lie: Lie) -> Self {
        Self::Edit(Edit::Listing(lie))
    }
}

impl From<Wire> for Plan {
    fn from(wire: Wire) -> Self {
        Fault::from(wire).into()
    }
}

impl From<Fault> for Plan {
    fn from(fault: Fault) -> Self {
        Self { fault, times: None, operation: None }
    }
}

impl std::str::FromStr for Plan {
    type Err = String;

    /// `FAULT[xTIMES][@OPERATION]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, operation) = text.split_once('@').map_or((text, None), |(rest, name)| (rest, Some(name.to_owned())));
        let counted = rest.rsplit_once('x').and_then(|(rest, times)| Some((rest, times.parse().ok()?)));
        let (name, times) = counted.map_or((rest, None), |(rest, times)| (rest, Some(times)));
        let fault = Fault::parse(name).ok_or_else(|| {
            let names: Vec<&str> = Fault::NAMES.iter().map(|(name, _)| *name).collect();
            format!("{name}: not a fault; one of 429, 503, … 429:SECONDS, skew:SECONDS, {}", names.join(", "))
        })?;
        if fault == Fault::Refused && (times.is_some() || operation.is_some()) {
            return Err("refused is for every request: nobody listens".into());
        }
        Ok(Self { fault, times, operation })
    }
}

/// The faults of one cloud; the first that is for a request is taken.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Plan>);

impl Faults {
    pub(crate) fn add(&mut self, plan: Plan) {
        self.0.push(plan);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn refused(&self) -> bool {
        self.0.iter().any(|plan| plan.fault == Fault::Refused)
    }

    /// How far ahead the cloud's clock is; looked up before a request's operation is known.
    pub(crate) fn skew(&self) -> i64 {
        self.0
            .iter()
            .find_map(|plan| if let Fault::Skew(seconds) = plan.fault { Some(seconds) } else { None })
            .unwrap_or(0)
    }

    /// The fault for a request, counted down.
    pub(crate) fn take(&mut self, operation: &str) -> Option<Fault> {
        let meant = |plan: &Plan| {
            !matches!(plan.fault, Fault::Skew(_)) && plan.operation.as_deref().is_none_or(|name| name == operation)
        };
        let index = self.0.iter().position(meant)?;
        let plan = &mut self.0[index];
        let fault = plan.fault.clone();
        if let Some(times) = &mut plan.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.0.remove(index);
            }
        }
        Some(fault)
    }
}

/// Between two bytes of a slow reply.
pub(crate) const DRIP: Duration = Duration::from_millis(250);
