// One S3 request from its head to its answer. Used by S3Server alone.
//
// Thread rule: handle() may be called from any thread; a call belongs to one thread.
#ifndef VESTO_SANDBOX_S3_S3_SERVICE_H_
#define VESTO_SANDBOX_S3_S3_SERVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sandbox/control/faults.h"
#include "sandbox/http/http_exchange.h"
#include "sandbox/s3/file_object_store.h"
#include "sandbox/s3/payload_reader.h"
#include "sandbox/s3/request_auth.h"
#include "sandbox/s3/s3_gate.h"
#include "sandbox/s3/s3_xml.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

struct S3Call {
  HttpExchange& exchange;
  HttpRequest request;  // presigned parameters x-amz-* are added to its headers
  QueryParameters query;
  std::string bucket;       // empty: none is named
  std::string key;          // decoded; empty: the bucket itself
  std::string host_region;  // where the host name says one
  std::string request_id;
  std::string host_id;
  AuthenticRequest auth;
  bool drop_answer = false;                  // fault: carried out, never answered
  std::optional<uint64_t> cut_upload_after;  // fault: the connection ends within the body

  [[nodiscard]] const std::string* parameter(std::string_view name) const {
    return find_parameter(query, name);
  }
  [[nodiscard]] std::string parameter_or_empty(std::string_view name) const {
    const std::string* value = parameter(name);
    return value == nullptr ? std::string() : *value;
  }
  [[nodiscard]] bool has(std::string_view name) const { return parameter(name) != nullptr; }
  [[nodiscard]] std::string header(std::string_view name) const {
    return request.header_or_empty(name);
  }
};

class S3Service {
 public:
  // `gate`: nullptr = every known key may do all.
  S3Service(FileObjectStore& store, const KeyRing& keys, const S3Gate* gate, Faults& faults,
            std::string region, Clock& clock)
      : store_(store),
        keys_(keys),
        gate_(gate),
        faults_(faults),
        region_(std::move(region)),
        clock_(clock) {}
  void handle(HttpExchange& exchange);

 private:
  // An operation answers by itself, or returns the error that is to be answered.
  using Operation = S3Result<Unit> (S3Service::*)(S3Call&);
  struct Route {
    Operation operation;
    const char* fault_kind;  // nullptr: none
    const char* action;      // the right that it needs; nullptr: none that the gate knows
  };

  // s3_service.cc
  S3Result<Unit> serve(S3Call& call);
  static S3Result<Unit> read_target(S3Call& call);
  // routes.cc
  static S3Result<Route> route(const S3Call& call);
  static S3Result<Route> route_bucket(const S3Call& call);
  static S3Result<Route> route_key(const S3Call& call);
  // op_bucket_settings.cc
  static const BucketSetting* setting_of(const S3Call& call);  // nullptr: none is named
  static S3Result<Route> route_setting(const S3Call& call, const BucketSetting& setting);
  S3Result<Unit> put_setting(S3Call& call);
  S3Result<Unit> get_setting(S3Call& call);
  S3Result<Unit> delete_setting(S3Call& call);
  // op_bucket_policy.cc
  static S3Result<Route> route_policy(const S3Call& call);
  [[nodiscard]] S3Result<Unit> check_policy_owner(const S3Call& call) const;
  S3Result<Unit> put_policy(S3Call& call);
  S3Result<Unit> get_policy(S3Call& call);
  S3Result<Unit> get_policy_status(S3Call& call);
  S3Result<Unit> delete_policy(S3Call& call);
  // s3_service.cc
  S3Result<Unit> check_sender(S3Call& call, const Route& route);
  // Whether the request has no signature and asks for what everybody may be given: to list or to
  // read. Anything else without one is refused.
  [[nodiscard]] bool is_public_read(const S3Call& call, const Route& route) const;
  // The KMS key of a new object: refused, or its whole ARN into the headers.
  S3Result<Unit> take_kms_key(const S3Call& call, ObjectHeaders* headers) const;
  // The right to read what a KMS key encrypted.
  [[nodiscard]] S3Result<Unit> check_decrypt(const S3Call& call, const ObjectInfo& object) const;
  // rights.cc
  // What policies may ask about the request, once check_sender is through.
  [[nodiscard]] S3Sender sender_of(const S3Call& call) const;
  // Whether the sender may; `key` as in S3Access.
  [[nodiscard]] S3Result<Unit> check_right(const S3Call& call, const char* action,
                                           std::string_view key) const;
  [[nodiscard]] S3Error hide_absence(const S3Call& call, S3Error error) const;

  // s3_service.cc
  // True: the call ended with the fault.
  bool apply_fault(S3Call& call, const char* kind, const std::string& subject);
  S3Result<std::unique_ptr<PayloadReader>> payload(S3Call& call, uint64_t max_bytes);
  S3Result<std::string> document(S3Call& call);  // a whole XML body

  // The answer's head with S3's own headers; `length` bytes of body follow by exchange.write().
  static bool begin(S3Call& call, int status, const HttpHeaders& headers, uint64_t length);
  static S3Result<Unit> answer(S3Call& call, int status, const HttpHeaders& headers,
                               std::string_view body);
  static S3Result<Unit> answer_xml(S3Call& call, const XmlWriter& xml, HttpHeaders headers = {});
  static void answer_error(S3Call& call, const S3Error& error);

  // op_object.cc
  void add_expiration(const S3Call& call, int64_t modified_ms, HttpHeaders* headers) const;
  S3Result<Unit> put_object(S3Call& call);
  S3Result<Unit> get_object(S3Call& call);
  S3Result<Unit> head_object(S3Call& call);
  S3Result<Unit> delete_object(S3Call& call);
  S3Result<Unit> delete_objects(S3Call& call);
  S3Result<Removed> remove_one(const S3Call& call, const DeleteRequest::Item& item);
  S3Result<Unit> copy_object(S3Call& call);
  S3Result<std::unique_ptr<ObjectWriter>> receive(S3Call& call, ObjectHeaders& checksums);
  // op_list.cc
  S3Result<Unit> list_objects_v1(S3Call& call);
  S3Result<Unit> list_objects_v2(S3Call& call);
  S3Result<Unit> list_versions(S3Call& call);
  // op_bucket.cc
  S3Result<Unit> list_buckets(S3Call& call);
  S3Result<Unit> head_bucket(S3Call& call);
  S3Result<Unit> create_bucket(S3Call& call);
  S3Result<Unit> delete_bucket(S3Call& call);
  S3Result<Unit> bucket_location(S3Call& call);
  S3Result<Unit> get_acl(S3Call& call);
  S3Result<Unit> put_acl(S3Call& call);
  // op_multipart.cc
  S3Result<Unit> create_upload(S3Call& call);
  S3Result<Unit> upload_part(S3Call& call);
  S3Result<Unit> complete_upload(S3Call& call);
  S3Result<Unit> abort_upload(S3Call& call);
  S3Result<Unit> list_parts(S3Call& call);
  S3Result<Unit> list_uploads(S3Call& call);

  FileObjectStore& store_;
  const KeyRing& keys_;
  const S3Gate* gate_;
  Faults& faults_;
  const std::string region_;
  Clock& clock_;
};

// What a request says about the object to be: content-type, x-amz-meta-*, ... Refuses what buckets
// with ACLs disabled refuse, and headers whose meaning the sandbox does not have (501). A KMS key
// is among them as it was sent; S3Service::take_kms_key judges it.
S3Result<ObjectHeaders> object_headers(const HttpRequest& request);
S3Result<PutCondition> put_condition(const HttpRequest& request);
// 400 AccessControlListNotSupported for every ACL but bucket-owner-full-control.
S3Result<Unit> check_acl_headers(const HttpRequest& request);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_S3_SERVICE_H_
