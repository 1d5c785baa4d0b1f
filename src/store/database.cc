#include "store/database.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/failpoint.h"
#include "base/scope_guard.h"
#include "base/unique_fd.h"

namespace gantry::store {
namespace {

constexpr int kBusyMilliseconds = 10'000;

/// The damage is in the file itself: an empty database would work.
bool is_damage(int code) {
    const int primary = code & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT;
}

/// Moves PATH and its WAL out of the way, to the first free name PATH.damaged-N.
Result<std::string> move_aside(const std::string& path) {
    for (int number = 1; number < 10'000; ++number) {
        const std::string aside = fmt::format("{}.damaged-{}", path, number);
        struct stat status{};
        if (::lstat(aside.c_str(), &status) == 0) {
            continue;
        }
        if (::rename(path.c_str(), aside.c_str()) < 0) {
            return fail_errno(fmt::format("rename {}", path));
        }
        for (const char* suffix : {"-wal", "-shm"}) {
            if (::rename((path + suffix).c_str(), (aside + suffix).c_str()) < 0 &&
                errno != ENOENT) {
                return fail_errno(fmt::format("rename {}{}", path, suffix));
            }
        }
        return aside;
    }
    return fail(Kind::kInternal, fmt::format("{}: too many damaged databases beside it", path));
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
    if (statement_ != nullptr) {
        database_->give_back(statement_);
    }
}

Statement& Statement::bind(int position, std::string_view text) {
    const int code = sqlite3_bind_text64(statement_, position, text.data(), text.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
    bind_error_ = code == SQLITE_OK ? bind_error_ : code;
    return *this;
}

Statement& Statement::bind(int position, int64_t number) {
    const int code = sqlite3_bind_int64(statement_, position, number);
    bind_error_ = code == SQLITE_OK ? bind_error_ : code;
    return *this;
}

Statement& Statement::bind_null(int position) {
    const int code = sqlite3_bind_null(statement_, position);
    bind_error_ = code == SQLITE_OK ? bind_error_ : code;
    return *this;
}

Result<bool> Statement::step() {
    if (bind_error_ != SQLITE_OK) {
        return Failure(database_->failure("bind", bind_error_));
    }
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    Error error = database_->failure(sqlite3_sql(statement_), code);
    sqlite3_reset(statement_);
    return Failure(std::move(error));
}

Result<> Statement::run() {
    for (;;) {
        GT_TRY_VAR(more, step());
        if (!more) {
            sqlite3_reset(statement_);
            return {};
        }
    }
}

std::string_view Statement::text(int column) const {
    const void* text = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return {static_cast<const char*>(text), static_cast<size_t>(size)};
}

int64_t Statement::number(int column) const {
    return sqlite3_column_int64(statement_, column);
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Transaction::Transaction(Database& database) : database_(&database), lock_(database.mutex_) {}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)),
      lock_(std::move(other.lock_)),
      after_commit_(std::move(other.after_commit_)),
      open_(std::exchange(other.open_, false)) {}

Transaction::~Transaction() {
    if (database_ != nullptr && open_) {
        // A failed rollback means that SQLite has rolled back by itself already.
        (void)database_->execute("ROLLBACK");
    }
}

Result<Statement> Transaction::prepare(std::string_view sql) {
    GT_TRY_VAR(statement, database_->take_statement(sql));
    return Statement(*database_, statement);
}

int64_t Transaction::changes() const {
    return sqlite3_changes64(database_->connection_);
}

void Transaction::after_commit(std::function<void()> action) {
    after_commit_.push_back(std::move(action));
}

Result<> Transaction::commit() {
    GT_FAILPOINT("store.commit");
    GT_TRY(database_->execute("COMMIT"));
    open_ = false;
    for (const auto& action : after_commit_) {
        action();
    }
    // Here only a kill is of interest: what is committed cannot fail any more.
    (void)failpoint("store.committed");
    return {};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path) {
    auto opened = open_checked(path);
    if (opened || opened.error().kind() != Kind::kDataLoss) {
        return opened;
    }
    GT_TRY_VAR(aside, move_aside(path));
    std::string notice = fmt::format("the database {} was damaged ({}): moved to {}, started empty",
                                     path, opened.error().text(), aside);
    GT_TRY_VAR(fresh, open_checked(path));
    fresh->notice_ = std::move(notice);
    return std::move(fresh);
}

Result<std::unique_ptr<Database>> Database::open_checked(const std::string& path) {
    // SQLite would make the file with the umask's mode; its WAL takes the mode of the file.
    const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!file) {
        return fail_errno(fmt::format("open {}", path));
    }
    std::unique_ptr<Database> database(new Database);
    const int code = sqlite3_open_v2(
        path.c_str(), &database->connection_,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
    if (code != SQLITE_OK) {
        return Failure(database->failure("open", code));
    }
    sqlite3_busy_timeout(database->connection_, kBusyMilliseconds);
    GT_TRY(database->execute("PRAGMA journal_mode=WAL"));
    GT_TRY(database->execute("PRAGMA synchronous=FULL"));
    GT_TRY(database->execute("PRAGMA foreign_keys=ON"));
    // A file that was tampered with must not run code of its own choosing.
    GT_TRY(database->execute("PRAGMA trusted_schema=OFF"));
    GT_TRY(database->execute("PRAGMA cell_size_check=ON"));
    {
        Transaction transaction(*database);
        transaction.open_ = false;
        GT_TRY_VAR(check, transaction.prepare("PRAGMA quick_check(1)"));
        GT_TRY_VAR(row, check.step());
        if (!row || check.text(0) != "ok") {
            return fail(Kind::kDataLoss, std::string(row ? check.text(0) : "no answer"));
        }
    }
    GT_TRY(database->execute(
        "CREATE TABLE IF NOT EXISTS schema_versions"
        "(owner TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID"));
    GT_TRY_VAR(reserve, Reserve::open(path + ".reserve"));
    database->reserve_ = std::move(reserve);
    database->opening_ = false;
    return std::move(database);
}

Database::~Database() {
    for (const auto& [sql, statement] : idle_statements_) {
        sqlite3_finalize(statement);
    }
    sqlite3_close_v2(connection_);
}

Error Database::failure(std::string_view what, int code) {
    const int primary = code & 0xff;
    Kind kind = Kind::kInternal;
    if (is_damage(code) || (opening_ && primary == SQLITE_ERROR)) {
        // While opening, all SQL is known to be right: the file must be wrong.
        kind = Kind::kDataLoss;
    } else if (primary == SQLITE_IOERR) {
        // A failed sync may have dropped pages that the next sync would call clean (fsyncgate):
        // nothing written from here on can be trusted.
        kind = Kind::kDataLoss;
        poisoned_ = true;
    } else if (primary == SQLITE_CONSTRAINT) {
        kind = Kind::kConflict;
    } else if (primary == SQLITE_FULL) {
        return Error(kind, fmt::format("database: {}: {}", what, std::strerror(ENOSPC)), ENOSPC);
    } else if (primary == SQLITE_READONLY) {
        return Error(kind, fmt::format("database: {}: {}", what, std::strerror(EROFS)), EROFS);
    } else if (primary == SQLITE_BUSY) {
        kind = Kind::kUnavailable;
    }
    const char* reason = connection_ != nullptr && sqlite3_extended_errcode(connection_) == code
                             ? sqlite3_errmsg(connection_)
                             : sqlite3_errstr(code);
    return Error(kind, fmt::format("database: {}: {}", what, reason));
}

Result<> Database::execute(const char* sql) {
    const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return Failure(failure(sql, code));
    }
    return {};
}

Result<sqlite3_stmt*> Database::take_statement(std::string_view sql) {
    if (const auto found = idle_statements_.find(sql); found != idle_statements_.end()) {
        sqlite3_stmt* statement = found->second;
        idle_statements_.erase(found);
        return statement;
    }
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(connection_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
        return Failure(failure(sql, code));
    }
    return statement;
}

void Database::give_back(sqlite3_stmt* statement) {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (!idle_statements_.emplace(sqlite3_sql(statement), statement).second) {
        // Two of the same text were in use at once; one is enough to keep.
        sqlite3_finalize(statement);
    }
}

Result<> Database::migrate(std::string_view owner, std::span<const std::string_view> steps) {
    GT_TRY_VAR(transaction, begin(CommitMode::kFull));
    int64_t version = 0;
    {
        GT_TRY_VAR(query,
                   transaction.prepare("SELECT version FROM schema_versions WHERE owner = ?"));
        GT_TRY_VAR(found, query.bind(1, owner).step());
        version = found ? query.number(0) : 0;
    }
    const auto known = static_cast<int64_t>(steps.size());
    if (version > known) {
        return fail(
            Kind::kUnavailable,
            fmt::format("database: the tables of {} have version {}, this program knows {}: "
                        "it was written by a newer program",
                        owner, version, known));
    }
    if (version == known) {
        return {};
    }
    for (const std::string_view step : steps.subspan(static_cast<size_t>(version))) {
        GT_TRY(execute(std::string(step).c_str()));
    }
    GT_TRY(
        transaction.run("INSERT INTO schema_versions(owner, version) VALUES(?, ?) "
                        "ON CONFLICT(owner) DO UPDATE SET version = excluded.version",
                        owner, known));
    return transaction.commit();
}

Result<Transaction> Database::begin(CommitMode mode, Space space) {
    Transaction transaction(*this);
    transaction.open_ = false;
    if (poisoned_) {
        return fail(Kind::kDataLoss,
                    "database: a write of the disk has failed; restart the daemon when the disk is "
                    "well again");
    }
    if (space == Space::kReserve) {
        reserve_->give();
    } else {
        reserve_->take();
    }
    if (mode != mode_) {
        GT_TRY(execute(mode == CommitMode::kFull ? "PRAGMA synchronous=FULL"
                                                 : "PRAGMA synchronous=NORMAL"));
        mode_ = mode;
    }
    GT_TRY(execute("BEGIN IMMEDIATE"));
    transaction.open_ = true;
    return std::move(transaction);
}

bool Database::healthy() const {
    return !poisoned_;
}

}  // namespace gantry::store
