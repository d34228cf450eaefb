//! What surrounds this program and must not get through to the programs that it runs.

use std::ffi::OsStr;
use std::process::Command;

/// A cargo below the one that runs this program. Without what cargo tells the programs it runs about their package:
/// the build script of ring would take it for a change, and all that stands on ring be built anew.
pub(crate) fn cargo(program: &OsStr) -> Command {
    let mut cargo = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
}

/// Every variable that could lead certctl, or a child of it, to a real account.
pub(crate) const AMBIENT: [&str; 36] = [
    "CERTCTL_CONFIG",
    "TENCENTCLOUD_SECRET_ID",
    "TENCENTCLOUD_SECRET_KEY",
    "TENCENTCLOUD_TOKEN",
    "TENCENTCLOUD_SECURITY_TOKEN",
    "TCCLI_PROFILE",
    "JDCLOUD_ACCESS_KEY_ID",
    "JDCLOUD_SECRET_ACCESS_KEY",
    "JDCLOUD_SESSION_TOKEN",
    "CERTCTL_JDCLOUD_MFA",
    "HUAWEICLOUD_SDK_AK",
    "HUAWEICLOUD_SDK_SK",
    "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    "HUAWEICLOUD_SDK_PROJECT_ID",
    "HUAWEICLOUD_SDK_DOMAIN_ID",
    "HW_ACCESS_KEY",
    "HW_SECRET_KEY",
    "HW_SECURITY_TOKEN",
    "CTYUN_AK",
    "CTYUN_SK",
    "CERTCTL_JDCLOUD_ENDPOINT",
    "CERTCTL_TENCENT_ENDPOINT",
    "CERTCTL_HUAWEI_ENDPOINT",
    "CERTCTL_CTYUN_ENDPOINT",
    "CERTCTL_TENCENT_SITE",
    "CERTCTL_HUAWEI_API",
    "CERTCTL_HUAWEI_REGION",
    "CERTCTL_CTYUN_PRODUCT",
    "HUAWEICLOUD_SDK_CREDENTIALS_FILE",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_FILE",
];
