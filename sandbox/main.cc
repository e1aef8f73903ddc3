// vesto-sandbox: a local Redshift, S3 and control API in one process, for people who test programs
// that load Redshift. Loopback only.
//
//   vesto-sandbox --data DIR [--port-redshift 5439] [--port-aws 9000] [--port-control 0]
//                 [--isolation snapshot|serializable] [--kind provisioned|serverless]
//                 [--world sandbox.toml [--warehouse NAME]] [--aws-plain] [--no-socket-filter]
//                 [--no-sync]
//
// Everything it needs lives under DIR. What to connect to stands in DIR/endpoints.json, which is
// written last. It ends in order on SIGINT and SIGTERM.
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>

#include "base/ids.h"
#include "base/json_text.h"
#include "base/log.h"
#include "sandbox/aws/cloud.h"
#include "sandbox/cluster/accounts.h"
#include "sandbox/cluster/private_file.h"
#include "sandbox/control/control_server.h"
#include "sandbox/s3/bucket_settings.h"
#include "sandbox/s3/key_ring.h"
#include "sandbox/s3/s3_server.h"
#include "sandbox/session/server.h"

namespace vesto::sandbox {

namespace {

constexpr const char* kRegion = "eu-west-1";

struct Options {
  std::string dir;
  uint16_t port_redshift = 5439;
  uint16_t port_aws = 9000;
  uint16_t port_control = 0;
  std::string isolation;  // empty: as the kind's default
  std::string kind = "provisioned";
  std::string world;      // empty: one account with one user
  std::string warehouse;  // which of the world's this one is; empty: the only one
  bool aws_plain = false;
  bool no_socket_filter = false;
  bool no_sync = false;
};

// All parts, in the order in which they are made; destroyed in the opposite one.
struct Parts {
  TlsMaterial tls;
  std::unique_ptr<PgCluster> cluster;
  Accounts accounts;
  std::unique_ptr<FileObjectStore> store;
  AccessKey key;
  std::string bucket;  // the first of the world's
  std::unique_ptr<Faults> faults;
  std::unique_ptr<Cloud> cloud;
  std::unique_ptr<AdminLink> admin;
  std::unique_ptr<NameTable> names;
  std::unique_ptr<SystemLog> log;
  SessionShared shared;
  std::unique_ptr<RedshiftServer> redshift;
  std::unique_ptr<S3Server> s3;
  std::unique_ptr<ControlServer> control;
  std::string control_token;
};

Result<Unit, std::string> make_data_dir(Options* options) {
  if (::mkdir(options->dir.c_str(), 0755) != 0 && errno != EEXIST) {
    return "cannot make " + options->dir + ": " + std::strerror(errno);
  }
  std::error_code problem;
  const auto absolute = std::filesystem::canonical(options->dir, problem);
  if (problem) return "cannot use " + options->dir + ": " + problem.message();
  options->dir = absolute.string();
  return Unit{};
}

Result<Unit, std::string> start_storage(const Options& options, Parts* parts) {
  VESTO_ASSIGN(parts->store, make_file_object_store(options.dir));
  VESTO_ASSIGN(parts->key, load_or_make_access_key(options.dir));
  parts->faults = make_faults();
  VESTO_ASSIGN(parts->shared.tls, TlsContext::make(parts->tls));
  CloudOptions cloud;
  cloud.dir = options.dir;
  cloud.world_file = options.world;
  cloud.key = parts->key;
  cloud.serverless = options.kind == "serverless";
  cloud.warehouse = options.warehouse;
  cloud.tls = parts->shared.tls;
  VESTO_ASSIGN(parts->cloud, Cloud::start(cloud, *parts->faults));
  parts->key = parts->cloud->first_key();
  for (const WorldBucket& bucket : parts->cloud->world().buckets) {
    if (parts->bucket.empty()) parts->bucket = bucket.name;
    if (parts->store->bucket_exists(bucket.name)) continue;
    if (!parts->store->create_bucket(bucket.name, bucket.region).ok()) {
      return "cannot make the bucket " + bucket.name;
    }
    if (bucket.expire_days == 0) continue;
    if (!parts->store
             ->set_bucket_setting(bucket.name, "lifecycle", expiring_after(bucket.expire_days))
             .ok()) {
      return "cannot set the lifecycle of the bucket " + bucket.name;
    }
  }
  // Those that were made by a request in an earlier run keep their owner.
  for (const BucketInfo& bucket : parts->store->buckets()) {
    if (bucket.owner.empty() || !parts->cloud->gate().owner_of(bucket.name).empty()) continue;
    parts->cloud->gate().bucket_made(bucket.name, bucket.owner, bucket.region);
  }
  return Unit{};
}

Result<Unit, std::string> start_redshift(const Options& options, Parts* parts) {
  parts->admin = std::make_unique<AdminLink>(parts->cluster.get());
  parts->names = std::make_unique<NameTable>(parts->admin.get());
  if (auto loaded = parts->names->load(); !loaded.ok()) return loaded.error().message;
  parts->log = std::make_unique<SystemLog>(parts->admin.get());
  parts->log->prune();
  SessionShared& shared = parts->shared;
  shared.cluster = parts->cluster.get();
  shared.isolation =
      options.isolation == "serializable" ? Isolation::kSerializable : Isolation::kSnapshot;
  shared.serverless = options.kind == "serverless";
  shared.served = &parts->cloud->served();
  shared.region = kRegion;
  shared.faults = parts->faults.get();
  shared.state = &parts->cloud->state();
  shared.store = parts->store.get();
  shared.keys = &parts->cloud->keys();
  shared.gate = &parts->cloud->gate();
  shared.roles = &parts->cloud->roles();
  shared.logins = &parts->cloud->logins();
  shared.clock = &parts->cloud->clock();
  shared.admin = parts->admin.get();
  shared.names = parts->names.get();
  shared.log = parts->log.get();
  parts->redshift = std::make_unique<RedshiftServer>(&shared);
  return parts->redshift->start(options.port_redshift, parts->cloud->allow_from(),
                                !options.no_socket_filter);
}

Result<Unit, std::string> start_http(const Options& options, Parts* parts) {
  S3ServerOptions s3;
  s3.port = options.port_aws;
  s3.region = kRegion;
  if (!options.aws_plain) s3.tls = parts->shared.tls;
  s3.gate = &parts->cloud->gate();
  s3.clock = &parts->cloud->clock();
  s3.api = parts->cloud->open_api(
      {.host = "localhost",
       .port = parts->redshift->port(),
       .make_admin = [parts](const std::string& user, const std::string& password,
                             const std::string& database) {
         const auto error = make_admin(*parts->cluster, {user, password}, database);
         if (error) log_error("the admin could not be made", {{"reason", *error}});
         return !error;
       }});
  VESTO_ASSIGN(parts->s3, S3Server::start(s3, *parts->store, parts->cloud->keys(), *parts->faults));
  parts->control_token = random_alphanumeric(32);
  VESTO_ASSIGN(parts->control,
               ControlServer::start(
                   options.port_control, parts->control_token, *parts->faults,
                   [parts]() -> Result<LeftCounts, std::string> {
                     const int64_t tables = parts->log->left_tables();
                     if (tables < 0) return std::string("the database does not answer");
                     return LeftCounts{
                         parts->store->object_count(), parts->store->open_upload_count(),
                         static_cast<uint64_t>(tables), parts->redshift->session_count()};
                   },
                   parts->cloud->control_calls(
                       [parts](const AllowList& allowed) { parts->redshift->set_allowed(allowed); },
                       [parts] { parts->redshift->settle(); }),
                   parts->cloud->control_views()));
  return Unit{};
}

std::string s3_url(const Options& options, const Parts& parts) {
  return std::string(options.aws_plain ? "http" : "https") +
         "://localhost:" + std::to_string(parts.s3->port());
}

std::string endpoints_json(const Options& options, const Parts& parts) {
  const auto account = [](const Account& each) {
    return "\"user\": " + json_quote(each.user) + ", \"password\": " + json_quote(each.password);
  };
  // Without a warehouse there is nobody who could log in.
  const std::string users = parts.accounts.admin.user.empty()
                                ? ""
                                : ", " + account(parts.accounts.loader) + ",\n    \"admin\": {" +
                                      account(parts.accounts.admin) + "}";
  return "{\n  \"redshift\": {\"host\": \"localhost\", \"port\": " +
         std::to_string(parts.redshift->port()) + ", \"database\": \"dev\"" + users +
         "},\n  \"aws\": {\"url\": " + json_quote(s3_url(options, parts)) +
         ", \"region\": " + json_quote(kRegion) + ", \"bucket\": " + json_quote(parts.bucket) +
         ",\n    \"access_key_id\": " + json_quote(parts.key.id) +
         ", \"secret_access_key\": " + json_quote(parts.key.secret) + "}" +
         parts.cloud->endpoints_json() + ",\n  \"ca_file\": " + json_quote(parts.tls.ca_file) +
         ",\n  \"control\": {\"url\": \"http://127.0.0.1:" + std::to_string(parts.control->port()) +
         "\", \"token\": " + json_quote(parts.control_token) + "}\n}\n";
}

void print_welcome(const Options& options, const Parts& parts) {
  const Account& loader = parts.accounts.loader;
  if (loader.user.empty()) std::printf("Redshift  the first warehouse that is created\n");
  if (!loader.user.empty())
    std::printf(
        "Redshift  PGPASSWORD=%s psql \"host=localhost port=%d dbname=dev user=%s "
        "sslmode=verify-full sslrootcert=%s\"\n",
        loader.password.c_str(), parts.redshift->port(), loader.user.c_str(),
        parts.tls.ca_file.c_str());
  std::printf(
      "S3        AWS_ENDPOINT_URL_S3=%s AWS_CA_BUNDLE=%s AWS_REGION=%s "
      "AWS_ACCESS_KEY_ID=%s (bucket %s)\n",
      s3_url(options, parts).c_str(), parts.tls.ca_file.c_str(), kRegion, parts.key.id.c_str(),
      parts.bucket.c_str());
  std::printf("Control   http://127.0.0.1:%d\n", parts.control->port());
  std::printf("All of it, with the secrets, stands in %s/endpoints.json. Ctrl-C ends it.\n",
              options.dir.c_str());
  std::fflush(stdout);
}

Result<Unit, std::string> start_all(Options* options, Parts* parts) {
  VESTO_TRY(make_data_dir(options));
  // The cluster first: it takes the directory's lock.
  VESTO_ASSIGN(parts->cluster, PgCluster::start({options->dir, options->no_sync,
                                                 options->dir + "/endpoints.json"}));
  VESTO_ASSIGN(parts->tls, make_tls_material(options->dir));
  VESTO_TRY(start_storage(*options, parts));
  // A warehouse that does not exist has no users.
  if (!parts->cloud->served().waits()) {
    VESTO_ASSIGN(parts->accounts, load_or_make_accounts(options->dir, *parts->cluster));
  }
  VESTO_TRY(start_redshift(*options, parts));
  VESTO_TRY(start_http(*options, parts));
  const std::string file = options->dir + "/endpoints.json";
  if (!write_private_text(file, endpoints_json(*options, *parts))) {
    return "cannot write " + file + ": " + std::strerror(errno);
  }
  return Unit{};
}

// Waits for SIGINT or SIGTERM. False: the database ended by itself.
bool wait_for_end(PgCluster* cluster, const sigset_t& signals) {
  while (true) {
    const timespec limit = {1, 0};
    const int signal = ::sigtimedwait(&signals, nullptr, &limit);
    if (signal == SIGINT || signal == SIGTERM) return true;
    if (cluster->exited()) return false;
  }
}

int run(Options options) {
  // Blocked in every thread: the main thread takes them one by one.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  Parts parts;
  const Result<Unit, std::string> started = start_all(&options, &parts);
  if (!started.ok()) {
    std::fprintf(stderr, "vesto-sandbox: %s\n", started.error().c_str());
    return 1;
  }
  print_welcome(options, parts);
  const bool asked = wait_for_end(parts.cluster.get(), signals);
  ::unlink((options.dir + "/endpoints.json").c_str());
  parts.control->stop();
  parts.cloud->stop();
  parts.s3->stop();
  parts.redshift->stop();
  parts.cluster->stop();
  if (!asked)
    std::fprintf(stderr, "vesto-sandbox: the database ended; see %s/pg.log\n", options.dir.c_str());
  return asked ? 0 : 1;
}

}  // namespace

int refuse(const std::string& what, int code) {
  std::fprintf(stderr,
               "vesto-sandbox: %s\n  Example: vesto-sandbox --data sandbox\n"
               "  More: vesto-sandbox --help\n",
               what.c_str());
  return code;
}

}  // namespace vesto::sandbox

int main(int argc, char** argv) {
  vesto::sandbox::Options options;
  CLI::App app("A local Redshift and S3 for tests. Loopback only.", "vesto-sandbox");
  // Looked at after the parsing: a flag with a slip of the pen is the first thing to say.
  app.add_option("--data", options.dir, "Directory of all its data (needed)")->type_name("DIR");
  app.allow_extras();
  app.add_option("--port-redshift", options.port_redshift, "0: any free one")
      ->capture_default_str();
  app.add_option("--port-aws", options.port_aws, "0: any free one")->capture_default_str();
  app.add_option("--port-control", options.port_control, "0: any free one")->capture_default_str();
  app.add_option("--isolation", options.isolation, "snapshot (default) or serializable")
      ->check(CLI::IsMember({"snapshot", "serializable"}));
  app.add_option("--kind", options.kind, "provisioned or serverless")
      ->check(CLI::IsMember({"provisioned", "serverless"}))
      ->capture_default_str();
  app.add_option("--world", options.world, "What AWS holds: accounts, roles, policies (TOML)")
      ->type_name("FILE");
  app.add_option("--warehouse", options.warehouse,
                 "Which cluster or workgroup of the world this one is, if there are several")
      ->type_name("[ACCOUNT/[REGION/]]NAME");
  app.add_flag("--aws-plain", options.aws_plain, "S3 without TLS");
  app.add_flag("--no-socket-filter", options.no_socket_filter,
               "allow_from without a filter: others are accepted and never answered");
  app.add_flag("--no-sync", options.no_sync, "Faster; a crash of the machine may lose data");
  constexpr int kUsage = 2;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const CLI::ParseError& error) {
    return vesto::sandbox::refuse(error.what(), kUsage);
  }
  if (!app.remaining().empty()) {
    return vesto::sandbox::refuse("\"" + app.remaining().front() + "\" is not known", kUsage);
  }
  if (options.dir.empty()) return vesto::sandbox::refuse("--data DIR is missing", kUsage);
  vesto::configure_log(vesto::LogLevel::kWarn, vesto::LogFormat::kText);
  return vesto::sandbox::run(std::move(options));
}
