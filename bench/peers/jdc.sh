#!/usr/bin/env bash
# A certificate by jdc, as scripts have it: call, take the fields out, put in place. jdc.sh ID DIRECTORY
set -euo pipefail
reply=$(jdc ssl download-cert --cert-id "$1" --server-type Nginx)
mkdir -p "$2"
(umask 077 && jq -r '.result.certDesc[0].keyFile' <<<"$reply" >"$2/privkey.pem")
jq -r '.result.certDesc[0] | .certFile, .caCertFile' <<<"$reply" >"$2/fullchain.pem"
