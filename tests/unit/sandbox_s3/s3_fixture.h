// A running S3 endpoint in a temporary directory, with one bucket, one long-lived key and one
// temporary key.
#ifndef VESTO_TESTS_UNIT_SANDBOX_S3_S3_FIXTURE_H_
#define VESTO_TESTS_UNIT_SANDBOX_S3_S3_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "sandbox/control/faults.h"
#include "sandbox/s3/key_ring.h"
#include "sandbox/s3/s3_server.h"
#include "test_client.h"

namespace vesto::sandbox {

class S3Fixture : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vesto-s3-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    auto store = make_file_object_store(dir_);
    ASSERT_TRUE(store.ok()) << store.error();
    store_ = std::move(store).value();
    ASSERT_TRUE(store_->create_bucket("bucket", "eu-west-1").ok());
    keys_.add({"AKIDEXAMPLE", "secret", "", 0});
    keys_.add({"ASIATEMP", "other", "token", 0});
    auto server = S3Server::start({}, *store_, keys_, *faults_);
    ASSERT_TRUE(server.ok()) << server.error();
    server_ = std::move(server).value();
  }
  void TearDown() override {
    server_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }

  // One request on a connection of its own.
  Answer ask(const Call& call) { return ask(signer_, call); }
  Answer ask(const Signer& signer, const Call& call) {
    return ask_raw(signed_request(signer, call), call.method == "HEAD");
  }
  Answer ask_raw(const std::string& bytes, bool head_only = false) {
    RawClient client(server_->port());
    client.send(bytes);
    return client.receive(head_only);
  }
  Answer get(const std::string& target,
             const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    return ask({"GET", target, headers, "", "", "localhost"});
  }
  Answer put(const std::string& target, const std::string& body,
             const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    return ask({"PUT", target, headers, body, "", "localhost"});
  }
  void fault(const std::string& json) {
    const auto added = faults_->add(json);
    ASSERT_TRUE(added.ok()) << added.error();
  }

  std::string dir_;
  MemoryKeyRing keys_;
  std::unique_ptr<Faults> faults_ = make_faults();
  std::unique_ptr<FileObjectStore> store_;
  std::unique_ptr<S3Server> server_;
  const Signer signer_{"AKIDEXAMPLE", "secret", "", "eu-west-1", 0};
};

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_UNIT_SANDBOX_S3_S3_FIXTURE_H_
