// Users of IAM and their access keys.
#include <algorithm>

#include "base/strings.h"
#include "sandbox/aws/iam_service.h"

namespace vesto::sandbox {

namespace {

std::string user_arn(const std::string& account, const std::string& name) {
  return "arn:aws:iam::" + account + ":user/" + name;
}

void write_user(const std::string& account, const WorldUser& user, XmlWriter& xml) {
  xml.text("Path", "/")
      .text("UserName", user.name)
      .text("UserId", user.id)
      .text("Arn", user_arn(account, user.name))
      .text("CreateDate", format_utc_seconds(user.created_ms));
}

}  // namespace

ApiResult<ApiAnswer> IamService::create_user(const ApiCall& call) {
  WorldUser user{.name = ""};
  VESTO_ASSIGN(user.name, iam_name(call, "UserName"));
  VESTO_ASSIGN(const std::string path, iam_path(call));
  if (path != "/") {
    return IamError{400, "ValidationError", "Users with a path are not known to this sandbox"};
  }
  VESTO_ASSIGN(user.tags, iam_tags(call));
  const std::string owner = account(call);
  VESTO_TRY(allow(call, user_arn(owner, user.name)));
  user.id = make_entity_id("AIDA");
  user.created_ms = clock_.wall_ms();
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    const WorldAccount* home = world.account(owner);
    if (home == nullptr) return no_such_entity("The account is not there.");
    for (const WorldUser& one : home->users) {
      if (to_lower_ascii(one.name) != to_lower_ascii(user.name)) continue;
      return already_exists("User with name " + user.name + " already exists.");
    }
    if (home->users.size() >= kMaxOfAccount) {
      return over_quota("Cannot exceed quota for UsersPerAccount: " +
                        std::to_string(kMaxOfAccount));
    }
    return WorldChange([owner, user](World& changed) {
      for (WorldAccount& one : changed.accounts) {
        if (one.id == owner) one.users.push_back(user);
      }
    });
  };
  VESTO_TRY(iam_.change("create " + user.id, prepare));
  XmlWriter xml = begin_result(call);
  xml.open("User");
  write_user(owner, user, xml);
  write_iam_tags(user.tags, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::get_user(const ApiCall& call) {
  VESTO_ASSIGN(const WorldUser user, user_of(call));
  VESTO_TRY(allow(call, user_arn(account(call), user.name)));
  XmlWriter xml = begin_result(call);
  xml.open("User");
  write_user(account(call), user, xml);
  write_iam_tags(user.tags, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::list_users(const ApiCall& call) {
  VESTO_TRY(allow(call, user_arn(account(call), "")));
  const World world = iam_.written();
  const WorldAccount* home = world.account(account(call));
  std::vector<WorldUser> users = home == nullptr ? std::vector<WorldUser>() : home->users;
  std::sort(users.begin(), users.end(),
            [](const WorldUser& a, const WorldUser& b) { return a.name < b.name; });
  return page(call, "Users", users.size(), [&](size_t i, XmlWriter& xml) {
    xml.open("member");
    write_user(account(call), users[i], xml);
    xml.close();
  });
}

ApiResult<ApiAnswer> IamService::delete_user(const ApiCall& call) {
  VESTO_TRY(iam_name(call, "UserName"));
  VESTO_ASSIGN(const WorldUser user, user_of(call));
  const std::string arn = user_arn(account(call), user.name);
  VESTO_TRY(allow(call, arn));
  if (!user.access_keys.empty()) return delete_conflict("delete access keys");
  if (!user.attached.empty()) return delete_conflict("detach all policies");
  if (!user.policies.empty()) return delete_conflict("delete policies");
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    return WorldChange(
        [owner = account(call), name = user.name, arn, id = user.id](World& changed) {
          forget_principal(changed, arn, id);
          for (WorldAccount& one : changed.accounts) {
            if (one.id != owner) continue;
            one.users.erase(std::remove_if(one.users.begin(), one.users.end(),
                                           [&](const WorldUser& each) { return each.id == id; }),
                            one.users.end());
          }
        });
  };
  VESTO_TRY(iam_.change("delete " + user.id, prepare));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::create_access_key(const ApiCall& call) {
  VESTO_ASSIGN(const WorldUser user, user_of(call));
  const std::string arn = user_arn(account(call), user.name);
  VESTO_TRY(allow(call, arn));
  VESTO_ASSIGN(const WorldKey key, iam_.create_access_key(account(call), user.name));
  XmlWriter xml = begin_result(call);
  xml.open("AccessKey")
      .text("UserName", user.name)
      .text("AccessKeyId", key.id)
      .text("Status", "Active")
      .text("SecretAccessKey", key.secret)
      .text("CreateDate", format_utc_seconds(key.created_ms))
      .close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::list_access_keys(const ApiCall& call) {
  VESTO_ASSIGN(const WorldUser user, user_of(call));
  VESTO_TRY(allow(call, user_arn(account(call), user.name)));
  const auto& keys = user.access_keys;
  return page(call, "AccessKeyMetadata", keys.size(), [&](size_t i, XmlWriter& xml) {
    xml.open("member")
        .text("UserName", user.name)
        .text("AccessKeyId", keys[i].id)
        .text("Status", "Active")
        .text("CreateDate", format_utc_seconds(keys[i].created_ms))
        .close();
  });
}

ApiResult<ApiAnswer> IamService::delete_access_key(const ApiCall& call) {
  VESTO_ASSIGN(const WorldUser user, user_of(call));
  VESTO_TRY(allow(call, user_arn(account(call), user.name)));
  const std::string id = call.parameter("AccessKeyId");
  const bool own = std::any_of(user.access_keys.begin(), user.access_keys.end(),
                               [&](const WorldKey& key) { return key.id == id; });
  if (!own) return no_such_entity("The Access Key with id " + id + " cannot be found.");
  VESTO_TRY(iam_.delete_access_key(id));
  return empty_answer(call);
}

}  // namespace vesto::sandbox
