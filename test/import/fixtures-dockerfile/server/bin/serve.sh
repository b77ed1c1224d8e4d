#!/bin/sh
exec busybox httpd -f -p "${2:-8080}" -h /opt/app/site
