//! Where CTyun's own tools keep access keys: the Go SDK's variables, and the file of the Python package `ctyun`.

use crate::credential::{Names, Sources, ToolFile};

/// Asked in this order.
pub(super) const SOURCES: Sources = Sources {
    variables: &[Names { access_key: "CTYUN_AK", secret_key: "CTYUN_SK", session_token: &[], mfa: None }],
    files: &[ToolFile {
        path: "~/.ctyun/credential",
        read: |wanted| wanted.ini(".ctyun/credential", &["default"], &IN_FILE, &[]),
        profiles: |wanted| wanted.sections(".ctyun/credential"),
    }],
};

const IN_FILE: Names = Names { access_key: "accessKey", secret_key: "secretKey", session_token: &[], mfa: None };
