#!/bin/bash
# The metadata service, with what the host has put into the shared folder; user data only where there are any.
user_data=/run/bed/user-data
[ -e $user_data ] || user_data=-
exec /run/bed/imds-server 169.254.169.254:80 /run/bed/metadata.json $user_data /run/bed/files
