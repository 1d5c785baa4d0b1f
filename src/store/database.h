#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/impl/reserve.h"

struct sqlite3;
struct sqlite3_stmt;

namespace gantry::store {

/// What a commit promises. kFull: it survives a power cut once commit() has returned. kNormal: it
/// survives the death of the daemon, but a power cut may undo it together with all that came after
/// it (never leaving half of it).
enum class CommitMode { kFull, kNormal };

/// Whether a transaction may use the space that is set aside for a full disk. kReserve is for what
/// must work then: an end that happened, a removal.
enum class Space { kOrdinary, kReserve };

class Database;

/// One prepared statement in use. Parameters are bound by position, from 1; columns are read by
/// position, from 0. Goes back to its database's cache when it goes away, and must do so before
/// its Transaction.
class Statement {
public:
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;
    ~Statement();

    Statement& bind(int position, std::string_view text);
    Statement& bind(int position, int64_t number);
    Statement& bind_null(int position);

    /// Runs to the next row: true if there is one. kConflict for a broken UNIQUE, PRIMARY KEY or
    /// FOREIGN KEY rule.
    Result<bool> step();
    /// Runs to the end; rows are skipped. Parameters can be bound anew afterwards.
    Result<> run();

    /// Valid until the next step().
    std::string_view text(int column) const;
    int64_t number(int column) const;
    bool is_null(int column) const;

private:
    friend class Transaction;
    Statement(Database& database, sqlite3_stmt* statement)
        : database_(&database), statement_(statement) {}

    Database* database_;
    sqlite3_stmt* statement_;
    int bind_error_ = 0;
};

/// One transaction, from the moment its thread got the database until it goes away. Whoever holds
/// one keeps all others waiting: no kernel work, network or long computation in between.
///
/// Used by one thread, which must not begin a second one meanwhile. Rolled back unless committed.
class Transaction {
public:
    Transaction(Transaction&& other) noexcept;
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    /// SQL is one statement. Prepared once per database and text: use literals, never text made of
    /// data.
    Result<Statement> prepare(std::string_view sql);

    /// Prepares, binds each of VALUES in order and runs to the end.
    template <class... Values>
    Result<> run(std::string_view sql, const Values&... values) {
        GT_TRY_VAR(statement, prepare(sql));
        int position = 0;
        (statement.bind(++position, values), ...);
        return statement.run();
    }

    /// Rows changed by the last INSERT, UPDATE or DELETE.
    int64_t changes() const;

    /// ACTION runs right after a successful commit, before anybody else gets the database: where
    /// copies in memory are brought up to date in the order of the commits. It must not fail and
    /// must not use the database.
    void after_commit(std::function<void()> action);

    /// A failed commit leaves nothing of the transaction. kDataLoss after a failed write of the
    /// disk: the database takes no more transactions then (Database::healthy()).
    Result<> commit();

private:
    friend class Database;
    explicit Transaction(Database& database);

    Database* database_;
    std::unique_lock<std::mutex> lock_;
    std::vector<std::function<void()>> after_commit_;
    bool open_ = true;
};

/// The metadata database of a data-root: SQLite in WAL mode, one connection, one transaction at a
/// time. Each owner of tables makes them with migrate().
///
/// Thread-safe; calls block for the disk and for other transactions. What is read often is kept in
/// memory by its owner: reading here is for start-up.
class Database {
public:
    /// Opens or makes the database at PATH (file mode 0600). One that is damaged is moved aside as
    /// PATH.damaged-N, with its WAL, and an empty one takes its place: notice() says so. Fails only
    /// for reasons that a fresh database would not cure (no space, no permission).
    static Result<std::unique_ptr<Database>> open(const std::string& path);
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// What the administrator must hear about the opening; empty if all was well.
    const std::string& notice() const { return notice_; }
    /// The database was damaged and started empty: owners look for second copies of their state.
    bool was_replaced() const { return !notice_.empty(); }

    /// Brings OWNER's tables up to date: runs those of STEPS that this database has not seen, in
    /// order, in one durable transaction. Steps are only ever appended. kUnavailable if a newer
    /// program has run more steps than there are.
    Result<> migrate(std::string_view owner, std::span<const std::string_view> steps);

    /// Waits for its turn. kDataLoss when a write of the disk has failed before.
    Result<Transaction> begin(CommitMode mode, Space space = Space::kOrdinary);

    /// False after a failed write or sync: nothing more is acknowledged until the next start.
    bool healthy() const;

private:
    friend class Statement;
    friend class Transaction;
    Database() = default;

    static Result<std::unique_ptr<Database>> open_checked(const std::string& path);
    Result<> execute(const char* sql);
    Result<sqlite3_stmt*> take_statement(std::string_view sql);
    void give_back(sqlite3_stmt* statement);
    Error failure(std::string_view what, int code);

    sqlite3* connection_ = nullptr;
    std::string notice_;
    // A std::mutex and not a Mutex: Transaction carries the lock from begin() to its end, which the
    // compiler's analysis cannot follow. INVARIANT: all below but poisoned_ is touched only with it
    // held.
    std::mutex mutex_;
    std::map<std::string, sqlite3_stmt*, std::less<>> idle_statements_;
    std::optional<Reserve> reserve_;
    CommitMode mode_ = CommitMode::kFull;
    bool opening_ = true;
    std::atomic<bool> poisoned_ = false;
};

}  // namespace gantry::store
