#include "config/config.h"

namespace vesto {

std::string starter_config() {
  return R"toml(# Vesto: from your PostgreSQL into your Redshift.
# Fill in the names below, then:
#   vesto config check            are all settings right?
#   vesto source test shop        can the source be reached?
#   vesto sync plan shop-orders   what would a run do?
#   vesto run shop-orders
# All settings: docs/settings.md. Secrets never stand here: { env = "NAME" }, { file = "path" }
# relative to this file, or { secret = "NAME" } after  vesto secret set NAME.
version = 1

[source.shop]
kind     = "postgres"
host     = "localhost"
port     = 5432
database = "shop"
user     = "vesto_read"
password = { env = "SHOP_PASSWORD" }
# sslmode     = "verify-full"
# tls_ca_file = "shop-ca.pem"

[destination.warehouse]
kind     = "redshift"
endpoint = "my-cluster.abc123.eu-west-1.redshift.amazonaws.com:5439/dev"
schema   = "shop"
create_schema = true              # needs CREATE on the database; false: somebody made it before

[destination.warehouse.auth]
method   = "password"
user     = "vesto_load"
password = { env = "REDSHIFT_PASSWORD" }
access_key_id     = { env = "AWS_ACCESS_KEY_ID" }       # writes the staging bucket; COPY reads it
secret_access_key = { env = "AWS_SECRET_ACCESS_KEY" }
# session_token   = { env = "AWS_SESSION_TOKEN" }       # for temporary keys

[destination.warehouse.staging]
bucket = "my-staging-bucket"
prefix = "vesto/"                 # keys of this program only, below it
# region = "eu-west-1"            # found when left out

[sync.shop-orders]
source      = "shop"
destination = "warehouse"

[[sync.shop-orders.table]]
name   = "public.orders"
mode   = "upsert"                 # rows are merged by key
key    = ["id"]                   # left out: the primary key
cursor = "updated_at"             # only changed rows; left out: every run reads all
lookback = "10m"                  # read again, for rows that commit late

[[sync.shop-orders.table]]
name = "public.customers"
mode = "replace"                  # the target holds what the last run has read
# exclude = ["internal_note"]

# [server]
# public_egress = ["203.0.113.7/32"]  # what Vesto dials from: the kit's inbound rules let it in

# [limits]
# memory_mib = 1024               # for all readers together
# readers    = 4

# [log]
# level  = "info"                 # debug, info, warn, error
# format = "json"                 # text, json
)toml";
}

}  // namespace vesto
