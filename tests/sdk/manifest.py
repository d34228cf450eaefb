"""Reads Kubernetes manifests, validates each against the API's own schema, and prints them as JSON."""

import json
import sys

import yaml
from kubernetes_validate import latest_version, validate

documents = []
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        for document in yaml.safe_load_all(file):
            validate(document, latest_version(), strict=True)
            documents.append(document)
print(json.dumps(documents))
