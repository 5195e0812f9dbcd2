#!/bin/sh
# Make Temporal's two databases and bring their schemas up to this version of the server. Safe to repeat.
set -eu

prepare() {
  database=$1
  schema=$2
  # Both refuse when they were done before; the update below fails loudly if they failed for another reason.
  temporal-sql-tool --db "$database" create || true
  temporal-sql-tool --db "$database" setup-schema -v 0.0 || true
  temporal-sql-tool --db "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/$schema/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
