#include "sync/assemble.h"

#include <utility>
#include <vector>

#include "base/strings.h"
#include "redshift/sql.h"
#include "source/postgres/postgres_source.h"

namespace vesto {

namespace {

TableSpec table_spec(const TableConfig& table) {
  TableSpec spec;
  spec.name = table.name;
  spec.target = table.target;
  spec.mode = table.mode == "replace" ? LoadMode::kReplace : LoadMode::kUpsert;
  spec.key = table.key;
  spec.cursor = table.cursor;
  spec.lookback_ms = table.lookback_ms;
  spec.lookback_units = table.lookback_units;
  spec.exclude = table.exclude;
  return spec;
}

Status fill_destination(const DestinationConfig& destination, AssembledSync* sync) {
  sync->spec.schema = destination.schema;
  sync->spec.create_schema = destination.create_schema;
  sync->spec.bucket = destination.bucket;
  sync->spec.prefix = destination.prefix;
  sync->spec.zstd = destination.zstd;

  VESTO_ASSIGN(sync->copy_credentials.access_key_id, resolve_text(destination.access_key_id));
  VESTO_ASSIGN(sync->copy_credentials.secret_access_key,
               resolve_secret(destination.secret_access_key));
  if (destination.session_token.given()) {
    VESTO_ASSIGN(sync->copy_credentials.session_token, resolve_secret(destination.session_token));
  }
  sync->spec.copy_access_key_id = sync->copy_credentials.access_key_id;
  sync->spec.copy_has_session_token = !sync->copy_credentials.session_token.empty();

  sync->s3.endpoint = destination.s3_endpoint;
  sync->s3.tls_ca_file = destination.s3_tls_ca_file;
  sync->s3.region = destination.region;
  sync->s3.path_style = destination.path_style;
  sync->s3.bucket = destination.bucket;
  sync->s3.credentials = sync->copy_credentials;

  sync->redshift.host = destination.host;
  sync->redshift.port = destination.port;
  sync->redshift.database = destination.database;
  sync->redshift.tls_ca_file = destination.tls_ca_file;
  VESTO_ASSIGN(sync->redshift.user, resolve_text(destination.user));
  VESTO_ASSIGN(sync->redshift.password, resolve_secret(destination.password));
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<Source>> make_source(const Config& config, std::string_view name,
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
  VESTO_ASSIGN(options.user, resolve_text(source->user));
  if (source->password.given()) {
    VESTO_ASSIGN(options.password, resolve_secret(source->password));
  }
  return make_postgres_source(std::move(options));
}

Result<AssembledSync> assemble_sync(const Config& config, std::string_view name,
                                    const std::stop_token& stop) {
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
  assembled.spec.max_row_bytes = static_cast<size_t>(config.limits.max_row_mib) << 20;
  for (const TableConfig& table : sync->tables) {
    assembled.spec.tables.push_back(table_spec(table));
  }
  VESTO_TRY(fill_destination(*destination, &assembled));
  assembled.redshift.stop = stop;
  VESTO_ASSIGN(assembled.source, make_source(config, sync->source, stop));
  return assembled;
}

RunServices AssembledSync::services(Store& store, Clock& clock, ByteBudget& budget) {
  RunServices services;
  services.source = source.get();
  services.store = &store;
  services.clock = &clock;
  services.budget = &budget;
  services.make_s3 = [this, &clock] { return make_s3_client(s3, clock); };
  services.connect_redshift = [this]() -> Result<std::unique_ptr<RedshiftSession>> {
    VESTO_ASSIGN(auto session, connect_redshift(redshift));
    session->set_secret(std::string(sql::kCopySecret), copy_credentials.secret_access_key);
    session->set_secret(std::string(sql::kCopyToken), copy_credentials.session_token);
    return session;
  };
  return services;
}

}  // namespace vesto
