// What the file itself refuses, whoever writes to it.
#include "server/store/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/digest/digest.h"
#include "common/errors/errors.h"
#include "server/store/sqlite_connection.h"
#include "tests/unit/server/support.h"

namespace ondelette::server {
namespace {

using testing::HasSubstr;

// A store with a job that has succeeded and three that are queued; closed, and opened as SQLite's.
class SchemaTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = *OpenSqliteStore({folder_.File("store.db")});
    AddCorpus(*store, 8);
    const auto sweep = store->CreateSweep(MakeSweep(*store, "s", {"a"}), now_);
    const auto checkpoints = store->Checkpoints(sweep->id);
    ASSERT_TRUE(
        store->ResolveCheckpoint(checkpoints->front().id, ResolutionOf("digest"), now_).ok());
    const auto leases = store->GrantLeases("w", {}, 1, now_);
    ASSERT_TRUE(store->CommitJob(leases->front().key, ResultOf(leases->front()), now_).ok());
    store.reset();
    connection_ = *Connection::Open(folder_.File("store.db"), false);
    ASSERT_TRUE(connection_->Script("PRAGMA foreign_keys = ON").ok());
  }

  // SQLite's words for why it does not run the statement; "" where it does.
  std::string Refusal(const std::string& sql) {
    return std::string(connection_->Run(sql).message());
  }

  TempFolder folder_;
  absl::Time now_ = absl::FromUnixSeconds(1000000);
  std::unique_ptr<Connection> connection_;
};

TEST_F(SchemaTest, AKeyHasOneResult) {
  ASSERT_EQ(Refusal("CREATE TEMP TABLE other AS SELECT * FROM results"), "");
  ASSERT_EQ(Refusal("UPDATE other SET id = id + 1"), "");
  EXPECT_THAT(Refusal("INSERT INTO results SELECT * FROM other"), HasSubstr("a result already"));
  ASSERT_EQ(Refusal("UPDATE other SET key = 'another'"), "");
  EXPECT_EQ(Refusal("INSERT INTO results SELECT * FROM other"), "");
}

TEST_F(SchemaTest, AJobHasAResultWhereItHasSucceededAndOnlyThere) {
  const std::string constraint = "CHECK constraint failed: (state = 3) = (result IS NOT NULL)";
  EXPECT_THAT(Refusal("UPDATE jobs SET result = NULL WHERE state = 3"), HasSubstr(constraint));
  EXPECT_THAT(Refusal("UPDATE jobs SET state = 1 WHERE state = 3"), HasSubstr(constraint));
  EXPECT_THAT(Refusal("UPDATE jobs SET state = 3 WHERE state = 1"), HasSubstr(constraint));
  EXPECT_THAT(Refusal("UPDATE jobs SET state = 3, result = 99 WHERE state = 1"),
              HasSubstr("FOREIGN KEY"));
}

TEST_F(SchemaTest, CountsAddUp) {
  EXPECT_THAT(Refusal("UPDATE sweeps SET queued = queued + 1"), HasSubstr("CHECK"));
  EXPECT_THAT(Refusal("UPDATE checkpoints SET queued = queued - 4, total = total - 4"),
              HasSubstr("CHECK"));
}

TEST_F(SchemaTest, AForeignFileIsRefused) {
  const std::string path = folder_.File("foreign.db");
  auto foreign = Connection::Open(path, false);
  ASSERT_TRUE((*foreign)->Script("CREATE TABLE t (a)").ok());
  foreign->reset();
  EXPECT_EQ(ErrorReason(OpenSqliteStore({path}).status()), "STORE_FOREIGN");
  EXPECT_EQ(OpenSqliteStore({folder_.File("no/such/folder.db")}).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST_F(SchemaTest, AnotherVersionIsRefused) {
  for (int version : {kSchemaVersion - 1, kSchemaVersion + 1}) {
    auto connection = *Connection::Open(folder_.File("store.db"), false);
    ASSERT_TRUE(connection->Script(absl::StrCat("PRAGMA user_version = ", version)).ok());
    connection.reset();
    EXPECT_EQ(ErrorReason(OpenSqliteStore({folder_.File("store.db")}).status()), "STORE_VERSION")
        << version;
  }
}

// Jobs once got a column under the version that they had without it: a store of the day before was
// taken, and every commit to it failed. Where this fails, raise kSchemaVersion, and put the digest
// of the new tables here.
TEST_F(SchemaTest, TheVersionIsThatOfTheTables) {
  std::string tables;
  Statement query = connection_->Query("SELECT sql FROM sqlite_schema ORDER BY type, name");
  while (query.Step()) absl::StrAppend(&tables, query.Text(0), "\n");
  ASSERT_TRUE(query.status().ok()) << query.status();
  EXPECT_EQ(kSchemaVersion, 3);
  EXPECT_EQ(Sha256Of(tables), "aeb15a9587d15dc863bffb007ec0d57b9688ea7179f0da2c56b78c45ea7eed02");
}

}  // namespace
}  // namespace ondelette::server
