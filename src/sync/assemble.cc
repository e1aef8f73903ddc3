#include "sync/assemble.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "address/arn.h"
#include "aws/s3_pool.h"
#include "base/strings.h"
#include "redshift/sql.h"
#include "schema/unrepresentable.h"
#include "source/postgres/postgres_source.h"
#include "sync/former_syncs.h"
#include "sync/tunnel.h"

namespace vesto {

namespace {

LoadMode mode_of(std::string_view word) {
  if (word == "replace") return LoadMode::kReplace;
  return word == "append" ? LoadMode::kAppend : LoadMode::kUpsert;
}

OnNewColumn on_new_column_of(std::string_view word) {
  if (word == "add_and_backfill") return OnNewColumn::kAddAndBackfill;
  if (word == "ignore") return OnNewColumn::kIgnore;
  return word == "stop" ? OnNewColumn::kStop : OnNewColumn::kAdd;
}

TableSpec table_spec(const TableConfig& table) {
  TableSpec spec;
  spec.name = table.name;
  spec.target = table.target;
  spec.pattern = table.pattern;
  spec.mode = mode_of(table.mode);
  spec.key = table.key;
  spec.cursor = table.cursor;
  spec.lookback_ms = table.lookback_ms;
  spec.lookback_units = table.lookback_units;
  spec.exclude = table.exclude;
  spec.adopt = table.adopt;
  spec.filter = table.filter;
  spec.query = table.query;
  spec.cursor_is_immutable = table.cursor_is_immutable;
  spec.on_new_column = on_new_column_of(table.on_new_column);
  spec.rewrite_types = table.on_type_change == "rewrite";
  spec.options = {.distkey = table.distkey, .sortkey = table.sortkey, .encode = table.encode};
  spec.where = table.origin.line_text();
  for (const auto& [column, word] : table.on_unrepresentable) {
    spec.on_unrepresentable.emplace_back(column, unrepresentable_named(word));
  }
  return spec;
}

void fill_staging(const DestinationConfig& destination, AssembledSync* sync) {
  sync->spec.schema = destination.schema;
  sync->spec.create_schema = destination.create_schema;
  sync->spec.bucket = destination.bucket;
  sync->spec.region = destination.region;
  sync->spec.prefix = destination.prefix;
  sync->spec.zstd = destination.zstd;

  sync->s3 = staging_options(destination, *sync->destination.identity);
  sync->spec.destination_id = to_lower_ascii(destination.host) + ":" +
                              std::to_string(destination.port) + "/" + destination.database + "/" +
                              destination.schema;
}

// "destination.acme.auth (vesto.toml:12)"
std::string place_of(std::string_view what, const Origin& origin) {
  return std::string(what) + " (" + origin.line_text() + ")";
}

}  // namespace

std::vector<TableSpec> table_specs(const SyncConfig& sync) {
  std::vector<TableSpec> specs;
  for (const TableConfig& table : sync.tables) specs.push_back(table_spec(table));
  return specs;
}

S3Options staging_options(const DestinationConfig& destination,
                          const DestinationIdentity& identity) {
  S3Options s3;
  s3.endpoint = destination.s3_endpoint;
  s3.tls_ca_file = destination.s3_tls_ca_file;
  if (s3.tls_ca_file.empty()) {
    s3.tls_ca_file = process_environment()("AWS_CA_BUNDLE").value_or("");
  }
  s3.region = destination.region;
  const AuthConfig& auth = destination.auth;
  s3.first_region =
      std::string(auth.role_arn.empty() ? partition_of_region(auth.region).default_region
                                        : partition_of_arn(auth.role_arn).default_region);
  s3.path_style = destination.path_style;
  s3.bucket = destination.bucket;
  s3.kms_key_arn = destination.kms_key_arn;

  s3.credential_source = identity.keys();
  return s3;
}

Result<IdentityOptions> identity_options(const Config& config, const DestinationConfig& destination,
                                         const SealedStore& secrets) {
  const AuthConfig& auth = destination.auth;
  IdentityOptions out{.destination_name = destination.name,
                      .google = config.google,
                      .auth = auth,
                      .serverless = destination.serverless,
                      .database = destination.database,
                      .host = destination.host,
                      .account = destination.endpoint.account,
                      .bucket = destination.bucket,
                      .kms_key_arn = destination.kms_key_arn,
                      .region = destination.region};
  if (auth.identity == "google" && config.google.source == "key_file") {
    VESTO_ASSIGN(out.google_key, resolve_secret(config.google.key, secrets));
  }
  if (auth.method == "password") {
    VESTO_ASSIGN(out.user, resolve_text(auth.user, secrets));
    VESTO_ASSIGN(out.password, resolve_secret(auth.password, secrets));
  }
  if (auth.identity == "access_key") {
    VESTO_ASSIGN(out.access_key.access_key_id, resolve_text(auth.access_key_id, secrets));
    VESTO_ASSIGN(out.access_key.secret_access_key, resolve_secret(auth.secret_access_key, secrets));
    if (auth.session_token.given()) {
      VESTO_ASSIGN(out.access_key.session_token, resolve_secret(auth.session_token, secrets));
    }
  }
  return out;
}

std::string source_place(const SourceConfig& source) {
  return place_of("source." + source.name, source.origin);
}

Result<std::unique_ptr<Source>> make_source(const Config& config, std::string_view name,
                                            const SealedStore& secrets,
                                            const std::stop_token& stop) {
  const SourceConfig* source = config.find_source(name);
  if (source == nullptr) return no_object("source", name, names_of(config.sources));
  PostgresOptions options;
  options.host = source->host;
  options.port = source->port;
  options.database = source->database;
  options.sslmode = source->sslmode;
  options.tls_ca_file = source->tls_ca_file;
  options.max_row_bytes = static_cast<size_t>(config.limits.max_row_mib) << 20;
  options.stop = stop;
  options.public_egress = config.public_egress;
  VESTO_ASSIGN(options.dialer, make_tunnel(config, tunnel_place(*source), secrets));
  VESTO_ASSIGN(options.user, resolve_text(source->user, secrets));
  if (source->password.given()) {
    VESTO_ASSIGN(options.password, resolve_secret(source->password, secrets));
  }
  return make_postgres_source(std::move(options));
}

Result<AssembledDestination> assemble_destination(const Config& config,
                                                  const DestinationConfig& destination,
                                                  const SealedStore& secrets,
                                                  const std::stop_token& stop) {
  AssembledDestination out;
  out.where = place_of("destination." + destination.name, destination.origin);
  out.wait_for_warehouse_ms = destination.wait_for_warehouse_ms;
  out.redshift.host = destination.host;
  out.redshift.port = destination.port;
  out.redshift.database = destination.database;
  out.redshift.tls_ca_file = destination.tls_ca_file;
  out.redshift.public_egress = config.public_egress;
  out.redshift.stop = stop;
  VESTO_ASSIGN(out.tunnel, make_tunnel(config, tunnel_place(destination), secrets));
  out.redshift.dialer = out.tunnel;
  VESTO_TRY(check_copy_policy(destination));
  VESTO_ASSIGN(IdentityOptions identity, identity_options(config, destination, secrets));
  VESTO_ASSIGN(out.identity, DestinationIdentity::make(std::move(identity),
                                                       real_identity_effects(system_clock())));
  return out;
}

Result<AssembledSync> assemble_sync(const Config& config, std::string_view name,
                                    const SealedStore& secrets, const std::stop_token& stop) {
  const SyncConfig* sync = config.find_sync(name);
  if (sync == nullptr) return no_object("sync", name, names_of(config.syncs));
  const DestinationConfig* destination = config.find_destination(sync->destination);
  if (destination == nullptr) {
    return no_object("destination", sync->destination, names_of(config.destinations));
  }
  AssembledSync assembled;
  assembled.spec.name = sync->name;
  assembled.spec.source_name = sync->source;
  assembled.spec.destination_name = sync->destination;
  assembled.spec.readers = config.limits.readers;
  assembled.spec.max_rejected_rows = sync->max_rejected_rows;
  assembled.spec.max_row_bytes = static_cast<size_t>(config.limits.max_row_mib) << 20;
  assembled.spec.tables = table_specs(*sync);
  assembled.spec.state_tables = state_tables(config);
  VESTO_ASSIGN(assembled.destination, assemble_destination(config, *destination, secrets, stop));
  fill_staging(*destination, &assembled);
  assembled.spec.staging_where =
      place_of("destination." + destination->name + ".staging", destination->staging_origin);
  if (const SourceConfig* source = config.find_source(sync->source)) {
    assembled.spec.source_where = source_place(*source);
  }
  VESTO_ASSIGN(assembled.source, make_source(config, sync->source, secrets, stop));
  return assembled;
}

RunServices AssembledSync::services(Store& store, Clock& clock, ByteBudget& budget) {
  RunServices services;
  services.source = source.get();
  services.store = &store;
  services.clock = &clock;
  services.budget = &budget;
  services.make_s3 = [pool = std::make_shared<S3Pool>([this, &clock] {
                        return make_s3_client(s3, clock);
                      })] { return pool->take(); };
  services.copy_access = [this](const CopyNeed& need, const std::stop_token& stop) {
    return destination.identity->copy_access(need, stop);
  };
  services.connect_redshift = connector();
  services.warehouse = destination.care();
  return services;
}

WarehouseCare AssembledDestination::care() {
  WarehouseCare care{.wait_ms = wait_for_warehouse_ms};
  // Without temporary logins there is nobody to ask, and no name to ask for.
  if (identity->auth().method != "iam_role") return care;
  care.name = identity->auth().warehouse;
  care.region = identity->auth().region;
  care.ask = [this](const std::stop_token& stop) { return identity->warehouse(stop); };
  return care;
}

RedshiftConnector AssembledDestination::connector() {
  return [this](int64_t timeout_ms) -> Result<std::unique_ptr<RedshiftSession>> {
    RedshiftOptions options = redshift;
    options.connect_timeout_ms = std::min(options.connect_timeout_ms, timeout_ms);
    // A temporary login that is refused is asked for anew, once.
    for (bool again = false;; again = true) {
      auto login = identity->login(options.stop);
      if (!login.ok()) return std::move(login).error().in(where);
      options.user = login->user;
      options.password = login->password;
      auto connected = connect_redshift(options);
      if (connected.ok()) return connected;
      Error error = std::move(connected).error();
      const bool refused = error.code() == ErrorCode::kRsLoginPassword ||
                           error.code() == ErrorCode::kRsLoginIam ||
                           error.code() == ErrorCode::kRsUserMissing;
      if (refused && !again && identity->forget_login(*login)) continue;
      return std::move(error).in(where);
    }
  };
}

}  // namespace vesto
