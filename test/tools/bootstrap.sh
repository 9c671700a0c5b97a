#!/bin/sh
# Installs the npm packages of the lock file where they are missing or older than it. They bring the Node that runs the rest.
set -eu
cd "$(dirname "$0")/../.."
if [ node_modules/.package-lock.json -nt package-lock.json ] && [ -x node_modules/.bin/node ]; then
  exit 0
fi
command -v npm >/dev/null || { echo "npm is missing: install Node.js 22 or newer with npm" >&2; exit 1; }
echo "installing npm packages"
npm ci --no-audit --no-fund --loglevel=error
touch node_modules/.package-lock.json
