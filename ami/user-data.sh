#!/bin/sh
# User data that turns a plain image into a GPU node: fetches the agent, checks it, runs it now and at every boot.
# `gpunode-agent user-data` puts the two values in and makes the whole document; by hand, this file is a
# `text/x-shellscript` part of MIME user data.
set -eu
url='@URL@'
sha256='@SHA256@'

target=/usr/local/bin/gpunode-agent
fetched=$(mktemp /usr/local/bin/.gpunode-agent.XXXXXX)
trap 'rm -f "$fetched"' EXIT
# All errors: early in a boot a name may not resolve yet, which curl does not take for a passing trouble.
curl --fail --silent --show-error --location --retry 5 --retry-all-errors --connect-timeout 5 --max-time 120 \
    --output "$fetched" "$url"
# Nothing is run, or put in place, before its sum is right.
echo "$sha256  $fetched" | sha256sum --check --quiet
chmod 0755 "$fetched"
mv "$fetched" "$target"

"$target" unit >/etc/systemd/system/gpunode-agent.service
systemctl daemon-reload
systemctl enable gpunode-agent.service
# Waits for the end, so that what comes after this part finds the node prepared.
systemctl start gpunode-agent.service
