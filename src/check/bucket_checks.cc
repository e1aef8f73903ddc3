// The bucket: s3.bucket, s3.put, s3.list, s3.get, s3.public, s3.lifecycle, s3.delete.
#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <utility>

#include "aws/aws_errors.h"
#include "aws/s3_look.h"
#include "base/kill_point.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "check/destination_state.h"
#include "check/probe_objects.h"
#include "check/probe_values.h"
#include "encode/part_writer.h"
#include "encode/redshift_csv.h"
#include "stage/stager.h"

namespace vesto::check {

namespace {

constexpr int kPart = 1;
constexpr int kToDelete = 2;  // a second object, which s3.delete removes

CheckAnswer refused(const State& state, Error error) {
  if (error.code() == ErrorCode::kS3NoBucket) {
    const DestinationConfig& to = state.destination();
    error.with_hint(
        fmt::format("Check the name first: staging.bucket ({}) is \"{}\". Where it is "
                    "right, what is to be run makes the bucket; it asks where the "
                    "account has one of nearly that name.",
                    to.staging_origin.line_text(), to.bucket));
    return failed(std::move(error), part_fix(state, "bucket"));
  }
  const bool right = error.code() == ErrorCode::kS3Denied || error.code() == ErrorCode::kS3Kms;
  if (!right) return failed(std::move(error));
  CheckAnswer answer = denied(state, error);
  // A name that is another bucket's is refused in the same way as ours without a policy.
  const DestinationConfig& to = state.destination();
  if (error.code() == ErrorCode::kS3Denied && answer.error->hint() == error.hint()) {
    answer.error->with_hint(
        fmt::format("{} Or correct staging.bucket ({}, \"{}\") or its prefix, where they are not "
                    "yours.",
                    error.hint(), to.staging_origin.line_text(), to.bucket));
  }
  return answer;
}

Result<std::string> probe_part(const State& state) {
  Chunk chunk;
  for (const ProbeRow& row : probe_rows()) {
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) chunk.bytes += kCsvDelimiter;
      if (row[i]) {
        append_csv_value(&chunk.bytes, *row[i]);
      } else {
        chunk.bytes += state.null_marker;
      }
    }
    chunk.bytes += kCsvRecordEnd;
    ++chunk.rows;
  }
  chunk.longest_row_bytes = chunk.bytes.size();
  PartWriter writer(state.destination().zstd ? Compression::kZstd : Compression::kGzip);
  VESTO_TRY(writer.add(chunk));
  VESTO_ASSIGN(std::optional<Part> part, writer.finish());
  if (!part) return Error(ErrorCode::kInternal, "the probe values made no part");
  return std::move(part->bytes);
}

std::string key_of(const State& state, int part) {
  return part_key(state.space, kProbeStream, part,
                  state.destination().zstd ? Compression::kZstd : Compression::kGzip);
}

CheckAnswer bucket(State& state, const CheckLimits& limits) {
  S3Options options = state.s3_options;
  options.request_timeout_ms = limits.limit_ms;
  options.connect_timeout_ms = limits.limit_ms;
  options.attempts = 2;
  // Here S3 must answer: a region that is given is only where it is asked.
  if (!options.region.empty()) options.first_region = std::exchange(options.region, "");
  state.s3 = make_s3_client(std::move(options), *state.target.clock);
  const Result<std::string> region = state.s3->region(limits.stop);
  if (!region.ok()) return refused(state, region.error());
  state.bucket_region = *region;
  const DestinationConfig& to = state.destination();
  CheckAnswer answer = passed({{"bucket", to.bucket}, {"region", *region}});
  if (!to.auth.region.empty()) {
    const bool same = to.auth.region == *region;
    answer.evidence.push_back({"warehouse", same
                                                ? "in the same region"
                                                : "in " + to.auth.region + ": AWS bills transfer"});
  }
  if (!to.region.empty() && to.region != *region) {
    answer.status = CheckStatus::kWarning;
    answer.error = Error(ErrorCode::kS3Region,
                         "the bucket is in " + *region + ", and staging.region says " + to.region)
                       .with_hint("It is corrected by itself. Set staging.region = \"" + *region +
                                  "\", or leave it out.");
  }
  return answer;
}

bool is_refusal(ErrorCode code) {
  return code == ErrorCode::kS3Denied || code == ErrorCode::kS3Kms ||
         code == ErrorCode::kS3NoBucket;
}

Status put_one(State& state, const std::string& key, const std::string& body, bool* versioned,
               const CheckLimits& limits) {
  // Before the request: one whose answer is lost may have been done.
  const bool fresh = state.keys.count(key) == 0;
  if (fresh) VESTO_TRY(note_object(state, key));
  const Result<S3PutResult> put = state.s3->put(key, body, limits.stop);
  if (!put.ok()) {
    // Refused is not put: where nothing lies, clean_up has nothing to miss.
    if (fresh && is_refusal(put.error().code())) strike_object(state, key);
    return put.error();
  }
  *versioned = *versioned || put->versioned;
  VESTO_KILL_POINT("check.object_put");
  return ok_status();
}

Status put_all(State& state, bool* versioned, const CheckLimits& limits) {
  state.null_marker = make_null_marker();
  VESTO_ASSIGN(state.part_bytes, probe_part(state));
  const std::string key = key_of(state, kPart);
  VESTO_TRY(put_one(state, key, state.part_bytes, versioned, limits));
  VESTO_TRY(put_one(state, key_of(state, kToDelete), state.part_bytes, versioned, limits));
  StagedPart part;
  part.key = key;
  part.part = kPart;
  part.rows = probe_rows().size();
  part.size_bytes = state.part_bytes.size();
  return put_one(state, manifest_key(state.space, kProbeStream),
                 manifest_json(state.space.bucket, {part}), versioned, limits);
}

CheckAnswer put(State& state, const CheckLimits& limits) {
  bool versioned = false;
  if (Status done = put_all(state, &versioned, limits); !done.ok()) {
    return refused(state, std::move(done).error());
  }
  CheckAnswer answer = passed(
      {{"key", key_of(state, kPart)}, {"size", fmt::format("{} bytes", state.part_bytes.size())}});
  if (versioned) {
    answer.status = CheckStatus::kWarning;
    answer.error = Error(ErrorCode::kS3Versioned, "the bucket " + state.destination().bucket +
                                                      " keeps old versions of what is deleted");
  }
  return answer;
}

std::unique_ptr<S3Look> look_of(State& state, const CheckLimits& limits) {
  S3Options options = state.s3_options;
  options.request_timeout_ms = limits.limit_ms;
  options.connect_timeout_ms = limits.limit_ms;
  options.attempts = 2;
  options.region = state.bucket_region;
  return make_s3_look(std::move(options), *state.target.clock);
}

// A request from here without a signature was answered. AWS calls a policy public only where it
// names no network, account or organisation (aws:SourceIp, aws:SourceVpc, aws:SourceVpce,
// aws:PrincipalOrgID, ...), and tells that to who may ask.
CheckAnswer answered_unsigned(State& state, S3Look& look, bool listed, const CheckLimits& limits) {
  const std::string& bucket = state.destination().bucket;
  const Result<std::optional<bool>> told = look.policy_is_public(limits.stop);
  const bool known = told.ok() && told->has_value();
  if (known && !**told) {
    return passed({{"unsigned requests",
                    "answered from here, by a policy that is not public: it "
                    "names networks, accounts or an organisation"}});
  }
  const std::string may = listed ? "list" : "read";
  Error error(
      ErrorCode::kS3Public,
      fmt::format("everybody may {} what lies in the bucket {}{}: a request without a "
                  "signature was answered",
                  may, bucket, known ? "" : ", or everybody in a network that its policy names"));
  if (!known) {
    error.with_hint(fmt::format(
        "Ask which of the two it is: aws s3api get-bucket-policy-status --region {} --bucket {}. "
        "IsPublic false: the policy names networks, and nothing is to be done; where Vesto's "
        "identity has s3:GetBucketPolicyStatus, this check asks itself. Else switch all four "
        "public access blocks of the bucket on.",
        state.bucket_region, bucket));
  }
  return warned(std::move(error), part_fix(state, "public-access"));
}

// Nobody but those whom a policy names may list the bucket or read what lies in it.
CheckAnswer not_public(State& state, const CheckLimits& limits) {
  const std::unique_ptr<S3Look> look = look_of(state, limits);
  for (const std::string& key : {std::string(), key_of(state, kPart)}) {
    const Result<bool> open = look->open_to_all(key, limits.stop);
    if (!open.ok()) {
      return skipped("S3 did not answer a request without a signature: " +
                     printable(open.error().message(), false));
    }
    if (*open) return answered_unsigned(state, *look, key.empty(), limits);
  }
  return passed();
}

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;

// How long an object that was just put stays, of S3's header x-amz-expiration
// ('expiry-date="Fri, 23 Dec 2022 00:00:00 GMT", rule-id="..."'); none where it tells no date.
std::optional<int64_t> stay_days(std::string_view expiration, int64_t now_ms) {
  constexpr std::string_view kDate = "expiry-date=\"";
  const size_t at = expiration.find(kDate);
  if (at == std::string_view::npos) return std::nullopt;
  expiration.remove_prefix(at + kDate.size());
  const std::optional<int64_t> end_ms = parse_http_date(expiration.substr(0, expiration.find('"')));
  if (!end_ms) return std::nullopt;
  return (*end_ms - now_ms) / kDayMs;
}

// S3 tells of an object when it goes. What the rules do with former versions and unfinished uploads
// it tells only who may read the rules, as Vesto may not; the kit's script looks at them.
CheckAnswer lifecycle(State& state, const CheckLimits& limits) {
  const Result<std::string> told =
      look_of(state, limits)->expiration(key_of(state, kPart), limits.stop);
  // May it be read? s3.get has told that.
  if (!told.ok()) return skipped("the object that was put could not be looked at");
  const DestinationConfig& to = state.destination();
  const std::string below = to.prefix.empty() ? "its top" : to.prefix;
  if (told->empty()) {
    return warned(Error(ErrorCode::kS3Lifecycle,
                        fmt::format("no lifecycle rule of the bucket {} removes objects below {}",
                                    to.bucket, below)),
                  part_fix(state, "lifecycle"));
  }
  const int64_t days = stay_days(*told, state.target.clock->wall_ms()).value_or(0);
  if (days > kLongestStayDays) {
    return warned(Error(ErrorCode::kS3Lifecycle,
                        fmt::format("the lifecycle rules of the bucket {} let objects below {} "
                                    "stay for {} days",
                                    to.bucket, below, days)),
                  part_fix(state, "lifecycle"));
  }
  return passed({{"expiration", printable(*told, false)}});
}

CheckAnswer list(State& state, const CheckLimits& limits) {
  const Result<S3ListPage> page = state.s3->list(run_root(state.space), "", limits.stop);
  if (!page.ok()) return refused(state, page.error());
  if (page->objects.size() != state.keys.size()) {
    return failed(
        Error(ErrorCode::kS3Answer, fmt::format("{} objects were put and {} are listed",
                                                state.keys.size(), page->objects.size())));
  }
  return passed({{"objects", std::to_string(page->objects.size())}});
}

// What may be listed beside the prefix is more than a load needs. A request without a signature
// tells whether it is the bucket that gives it, to everybody: no policy of ours takes that away.
CheckAnswer list_narrow(State& state, const CheckLimits& limits) {
  const std::string& prefix = state.destination().prefix;
  if (prefix.empty()) return skipped("the whole bucket is the prefix");
  const Result<S3ListPage> page = state.s3->list("", "", limits.stop);
  if (!page.ok()) {
    return page.error().code() == ErrorCode::kS3Denied ? passed() : failed(page.error());
  }
  const Result<bool> everybody = look_of(state, limits)->open_to_all("", limits.stop);
  if (everybody.ok() && *everybody) {
    return warned(
        Error(ErrorCode::kS3Wide, "keys outside of " + prefix +
                                      " may be listed, too: the bucket's own policy "
                                      "lets everybody list it, without a signature")
            .with_hint("No policy of ours takes that away. Take s3:ListBucket for "
                       "everybody (\"Principal\": \"*\") out of the bucket's policy, which "
                       "what is to be run prints; then put it by aws s3api "
                       "put-bucket-policy."),
        bucket_policy_fix(state));
  }
  return warned(Error(ErrorCode::kS3Wide, "keys outside of " + prefix + " may be listed, too")
                    .with_hint("Put the kit's policy once more. What is to be run does that, and "
                               "names what else may allow it: other policies of this identity, or "
                               "the bucket's own."),
                part_fix(state, "listing"));
}

CheckAnswer get(State& state, const CheckLimits& limits) {
  const Result<std::string> body =
      state.s3->get_object(key_of(state, kPart), state.part_bytes.size(), limits.stop);
  if (!body.ok()) {
    CheckAnswer answer = refused(state, body.error());
    if (refusal_in(body.error().upstream().text).denies) state.read_denied = answer;
    return answer;
  }
  if (*body != state.part_bytes) {
    return failed(Error(ErrorCode::kS3Answer, "an object came back with other bytes"));
  }
  state.read_object = true;
  return passed({{"size", fmt::format("{} bytes", body->size())}});
}

CheckAnswer remove(State& state, const CheckLimits& limits) {
  const std::string key = key_of(state, kToDelete);
  if (const Status gone = state.s3->remove(key, limits.stop); !gone.ok()) {
    return refused(state, gone.error());
  }
  strike_object(state, key);
  return passed({{"key", key}});
}

}  // namespace

void bucket_checks(const StatePtr& state, const std::string& keys, std::vector<Check>* checks) {
  using Run = CheckAnswer (*)(State&, const CheckLimits&);
  const auto add = [&](std::string id, std::string title, std::vector<std::string> needs, Run run) {
    Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.group = "bucket";
    check.needs = std::move(needs);
    check.may_wait = true;
    check.run = [state, run](const CheckLimits& limits) { return run(*state, limits); };
    checks->push_back(std::move(check));
  };
  add("s3.bucket", "Bucket exists, region known", {keys}, bucket);
  add("s3.put", "May write", {"s3.bucket", kStoreCheck}, put);
  add("s3.list", "May list", {"s3.put"}, list);
  add("s3.list_narrow", "May list nothing else", {"s3.bucket"}, list_narrow);
  add("s3.get", "May read", {"s3.put"}, get);
  add("s3.public", "Everybody else is refused", {"s3.put"}, not_public);
  add("s3.lifecycle", "What a killed run leaves goes by itself", {"s3.get"}, lifecycle);
  add("s3.delete", "May delete", {"s3.put"}, remove);
}

}  // namespace vesto::check
