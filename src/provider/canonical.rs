//! The pieces of a canonical request that three of the four signatures share.

use percent_encoding::percent_decode_str;

use crate::digest::{hex, hmac_sha256};
use crate::http::encode;

/// One line `name:value` for each header, sorted by name; `names` are lower case, `value` brings the value into form.
pub(super) fn header_lines(headers: &[(&str, String)], value: fn(&str) -> String) -> String {
    sorted(headers).iter().map(|(name, text)| format!("{name}:{}\n", value(text))).collect()
}

/// The headers' names, sorted, with semicolons between them.
pub(super) fn header_names(headers: &[(&str, String)]) -> String {
    sorted(headers).iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";")
}

/// The `Authorization` header of the two clouds that name a scope in it.
pub(super) fn authorization(
    algorithm: &str,
    access_key: &str,
    scope: &str,
    headers: &[(&str, String)],
    signing_key: &[u8],
    string_to_sign: &str,
) -> String {
    let signature = hex(&hmac_sha256(signing_key, string_to_sign.as_bytes()));
    let names = header_names(headers);
    format!("{algorithm} Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}")
}

/// A percent-encoded path in the strict form: everything but unreserved characters and slashes is encoded.
pub(super) fn path(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// By name, not by line: `:` sorts after `-`, so that lines would come in another order than names.
fn sorted<'a>(headers: &'a [(&'a str, String)]) -> Vec<&'a (&'a str, String)> {
    let mut headers = headers.iter().collect::<Vec<_>>();
    headers.sort_by_key(|(name, _)| *name);
    headers
}

#[cfg(test)]
mod tests {
    use super::{header_lines, header_names};

    #[test]
    fn lines_and_names_come_in_the_same_order() {
        let headers = [("x-a-b", "2".to_owned()), ("x-a", "1".to_owned())];
        assert_eq!(header_lines(&headers, str::to_owned), "x-a:1\nx-a-b:2\n");
        assert_eq!(header_names(&headers), "x-a;x-a-b");
    }
}
