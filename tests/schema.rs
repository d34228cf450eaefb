//! The JSON Schemas of docs/schemas, which every JSON document that a test reads is held against.

use std::path::Path;

use boon::{Compiler, Schemas};
use serde_json::{Value, json};

/// Asserts that a document is what its schema says, and has nothing that the schema does not tell of.
#[track_caller]
pub(crate) fn holds(document: &Value) {
    let name = document["schema"].as_str().unwrap_or_else(|| panic!("no schema in {document}"));
    let mut schema = read(&name.replace('/', "."));
    restrict(&mut schema);
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource("schema.json", schema).unwrap();
    let index = compiler.compile("schema.json", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(document, index) {
        panic!("{name}: {error:#}\n{document:#}");
    }
}

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/{name}.schema.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Readers are to bear fields and words of later versions; what is written now has to be documented.
fn restrict(schema: &mut Value) {
    if let Value::Object(map) = schema {
        if map.contains_key("properties") {
            map.insert("additionalProperties".to_owned(), json!(false));
        }
        if let Some(words) = map.remove("examples") {
            map.insert("enum".to_owned(), words);
        }
        map.values_mut().for_each(restrict);
    } else if let Value::Array(items) = schema {
        items.iter_mut().for_each(restrict);
    }
}

#[test]
fn a_document_that_is_not_so() {
    let list = json!({"schema": "certctl.list/v1", "certificates": [], "errors": []});
    holds(&list);
    let error = json!({"provider": "tencent", "account": "a", "code": "network", "exit_code": 5, "message": "m",
        "hint": null, "request_id": null});
    let mut with_error = list.clone();
    with_error["errors"] = json!([error]);
    holds(&with_error);
    for (pointer, value) in [
        ("/certificates", json!({})),
        ("/more", json!(1)),
        ("/errors/0/code", json!("no such code")),
        ("/errors/0/exit_code", json!("5")),
        ("/errors/0/hint", json!(1)),
    ] {
        let mut wrong = with_error.clone();
        match wrong.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => wrong["more"] = value,
        }
        assert!(std::panic::catch_unwind(|| holds(&wrong)).is_err(), "{pointer}");
    }
}
