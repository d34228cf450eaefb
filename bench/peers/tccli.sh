#!/usr/bin/env bash
# A certificate by tccli, as scripts have it: call, decode, unpack, put in place. tccli.sh ID DIRECTORY ENDPOINT
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tccli ssl DownloadCertificate --endpoint "$3" --CertificateId "$1" | jq -r .Content | base64 -d >"$work/cert.zip"
unzip -q "$work/cert.zip" -d "$work"
mkdir -p "$2"
# The folders of the archive have had several names.
install -m 600 "$(find "$work" -ipath '*nginx*' -name '*.key' -print -quit)" "$2/privkey.pem"
install -m 644 "$(find "$work" -ipath '*nginx*' -name '*_bundle.crt' -print -quit)" "$2/fullchain.pem"
