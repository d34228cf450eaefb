//! JSON objects with secrets in them: what cannot be read is told by its place, never by its text.

use std::fmt;

use serde_json::{Map, Value};

use super::{CredentialError, Place};

/// A JSON object and where it is.
pub struct Object {
    place: Place,
    fields: Map<String, Value>,
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(place: Place, text: &str) -> Result<Self, CredentialError> {
        // The parser's own message may quote what it met.
        match serde_json::from_str(text) {
            Ok(fields) => Ok(Self { place, fields }),
            Err(error) => Err(CredentialError::Json { place, line: error.line(), column: error.column() }),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// A text; `None` if it is not there or null.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, CredentialError> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.not(name, "a string")),
        }
    }

    /// Any value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The objects of a list, each with its `name` for its place; what is not an object or has no name is passed
    /// over.
    pub fn named_objects(&self, list: &str, place_of: impl Fn(&str) -> Place) -> impl Iterator<Item = (String, Self)> {
        let rows = self.fields.get(list).and_then(Value::as_array).into_iter().flatten();
        rows.filter_map(move |row| {
            let fields = row.as_object()?;
            let name = fields.get("name")?.as_str()?;
            Some((name.to_owned(), Self { place: place_of(name), fields: fields.clone() }))
        })
    }

    /// The error of a value that is not what it should be.
    #[must_use]
    pub fn not(&self, name: &'static str, wanted: &'static str) -> CredentialError {
        CredentialError::Type { place: self.place.clone(), name, wanted }
    }
}

impl fmt::Debug for Object {
    /// Without the values: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("place", &self.place).finish_non_exhaustive()
    }
}
