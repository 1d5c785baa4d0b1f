#include "shim/impl/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::shim {

namespace {

/// A pipe whose OUR_END (0 or 1) does not block.
int make_pipe(int our_end, int* ours, int* childs) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[our_end], F_SETFL, O_NONBLOCK) != 0) {
        return errno;
    }
    *ours = ends[our_end];
    *childs = ends[1 - our_end];
    return 0;
}

/// The process waits while the spool has less room: what is in its pipes at its end must fit.
constexpr uint64_t kPauseRoom = uint64_t{4} << 20;
/// It goes on when there is so much. Every record would stop and start everything otherwise.
constexpr uint64_t kResumeRoom = uint64_t{8} << 20;

int open_null(int flags, int* fd) {
    *fd = ::open("/dev/null", flags | O_CLOEXEC);
    return *fd >= 0 ? 0 : errno;
}

void close_fd(int& fd) {
    if (fd >= 0) {
        close(fd);
        fd = -1;
    }
}

}  // namespace

int Stdio::open(Environment& environment, uint32_t process, bool terminal, StdinMode stdin_mode,
                ContainerLog* log) {
    environment_ = &environment;
    process_ = process;
    terminal_ = terminal;
    stdin_mode_ = stdin_mode;
    log_ = log;
    if (terminal) {
        open_outputs_ = 1;  // until set_terminal() and its end
        for (int& fd : child_fds_) {
            if (const int error = open_null(O_RDWR, &fd); error != 0) {
                return error;
            }
        }
        return 0;
    }
    int fd = -1;
    if (stdin_mode == StdinMode::kNone) {
        input_closed_ = true;
        if (const int error = open_null(O_RDONLY, &child_fds_[0]); error != 0) {
            return error;
        }
    } else if (const int error = make_pipe(1, &fd, &child_fds_[0]); error != 0) {
        return error;
    } else {
        input_.fd = fd;
    }
    for (int stream = 0; stream < 2; ++stream) {
        if (const int error = make_pipe(0, &fd, &child_fds_[stream + 1]); error != 0) {
            return error;
        }
        environment.loop.add(outputs_[stream], fd, EPOLLIN, &Stdio::on_output, this);
        ++open_outputs_;
    }
    return 0;
}

void Stdio::close_child_ends() {
    for (int& fd : child_fds_) {
        close_fd(fd);
    }
}

void Stdio::set_terminal(int master) {
    (void)fcntl(master, F_SETFL, O_NONBLOCK);
    environment_->loop.add(outputs_[0], master, EPOLLIN, &Stdio::on_output, this);
    if (stdin_mode_ == StdinMode::kNone) {
        input_closed_ = true;
    } else {
        // epoll knows a descriptor once; input is watched on its own.
        input_.fd = fcntl(master, F_DUPFD_CLOEXEC, 0);
        input_closed_ = input_.fd < 0;
    }
    for (Client* client = clients_; client != nullptr; client = client->next) {
        if (client->has_held_input()) {
            client->give_held_input();
        }
        client->update_interest();
    }
}

int Stdio::resize(uint32_t rows, uint32_t columns) {
    if (!terminal_ || outputs_[0].fd < 0) {
        return ENOTTY;
    }
    winsize size = {};
    size.ws_row = static_cast<unsigned short>(rows);
    size.ws_col = static_cast<unsigned short>(columns);
    return ioctl(outputs_[0].fd, TIOCSWINSZ, &size) == 0 ? 0 : errno;
}

int Stdio::add_client(int fd, const Client::Options& options, char* input, size_t input_size) {
    struct stat status = {};
    if (fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        return ENOTSOCK;
    }
    Client* client = environment_->clients.make();
    if (client == nullptr) {
        return ENOMEM;
    }
    client->next = clients_;
    clients_ = client;
    client->open(*environment_, *this, fd, options);
    client->take_input(input, input_size);
    if (finishing_) {
        client->finish();
    }
    return 0;
}

size_t Stdio::write_input(const char* data, size_t size) {
    if (input_closed_) {
        return size;
    }
    if (input_.fd < 0) {
        return 0;
    }
    const ssize_t count = write(input_.fd, data, size);
    if (count >= 0) {
        return static_cast<size_t>(count);
    }
    if (errno == EAGAIN || errno == EINTR) {
        return 0;
    }
    close_input();
    return size;
}

void Stdio::watch_input() {
    if (input_.fd >= 0 && !input_.added) {
        environment_->loop.add(input_, input_.fd, EPOLLOUT, &Stdio::on_input, this);
    }
}

void Stdio::on_input(Watch& watch, uint32_t) {
    auto& stdio = *static_cast<Stdio*>(watch.owner);
    bool waiting = false;
    for (Client* client = stdio.clients_; client != nullptr; client = client->next) {
        if (client->has_held_input() && !client->is_dead()) {
            client->give_held_input();
            waiting = waiting || client->has_held_input();
        }
    }
    if (!waiting) {
        stdio.environment_->loop.suspend(stdio.input_);
        stdio.close_input_if_drained();
    }
}

void Stdio::client_input_ended() {
    // A terminal has no end of input but its ^D.
    if (stdin_mode_ == StdinMode::kOnce && !terminal_) {
        close_input_when_drained();
    }
}

void Stdio::close_input_when_drained() {
    input_closing_ = true;
    close_input_if_drained();
}

void Stdio::close_input() {
    environment_->loop.suspend(input_);
    close_fd(input_.fd);
    input_closed_ = true;
    for (Client* client = clients_; client != nullptr; client = client->next) {
        if (client->gives_input() && !client->has_held_input() && !client->is_dead()) {
            client->update_interest();
        }
    }
}

void Stdio::close_input_if_drained() {
    if (!input_closing_ || input_closed_) {
        return;
    }
    for (const Client* client = clients_; client != nullptr; client = client->next) {
        if (client->has_held_input() && !client->is_dead()) {
            return;
        }
    }
    close_input();
}

void Stdio::on_output(Watch& watch, uint32_t) {
    auto& stdio = *static_cast<Stdio*>(watch.owner);
    stdio.read_output(&watch == &stdio.outputs_[0] ? 0 : 1);
}

void Stdio::read_output(int stream) {
    char* data = environment_->buffers->output.data;
    // A peer's messages can be many times as long as the records: less at a time bounds its queue.
    const bool has_peer = log_ != nullptr && log_->peer() != nullptr;
    const ssize_t count = read(outputs_[stream].fd, data, has_peer ? kPeerReadSize : kReadSize);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (count <= 0) {
        // EIO is a terminal's end: nobody has it open any more.
        close_output(stream);
        return;
    }
    const auto size = static_cast<size_t>(count);
    environment_->output_used = environment_->output_used || size > 8192;
    if (log_ != nullptr) {
        log_->write(stream, data, size, wall_nanoseconds());
    }
    keep_for_later(stream, data, size);
    for (Client* client = clients_; client != nullptr; client = client->next) {
        if (client->wants(stream) && !client->is_behind()) {
            client->send(stream, data, size, spool_.end());
        }
    }
    pause_if_blocked(kPauseRoom);
}

/// Puts a record into the spool if a client is behind who wants it.
void Stdio::keep_for_later(int stream, const char* data, size_t size) {
    bool wanted = false;
    for (const Client* client = clients_; client != nullptr; client = client->next) {
        wanted = wanted || (client->is_behind() && client->wants(stream));
    }
    // Once the process has ended nothing waits, so the room may be missing.
    if (!wanted || (!spool_is_full(OutputSpool::kRecordRoom) &&
                    spool_.append(stream, data, static_cast<uint32_t>(size)))) {
        return;
    }
    for (Client* client = clients_; client != nullptr; client = client->next) {
        if (client->is_behind() && client->wants(stream)) {
            client->drop();
            tell_dropped(*client);
        }
    }
}

void Stdio::close_output(int stream) {
    environment_->loop.suspend(outputs_[stream]);
    close_fd(outputs_[stream].fd);
    --open_outputs_;
    if (log_ != nullptr) {
        log_->finish(stream, wall_nanoseconds());
    }
}

void Stdio::tell_dropped(const Client& client) {
    environment_->notices.push(EventKind::kAttachDropped, process_, client.notify_id());
}

/// Clients are so far behind that the spool has no ROOM more bytes.
bool Stdio::spool_is_full(uint64_t room) {
    uint64_t oldest = UINT64_MAX;
    for (const Client* client = clients_; client != nullptr; client = client->next) {
        if (client->is_behind() && !client->is_dead() && client->position() < oldest) {
            oldest = client->position();
        }
    }
    return oldest != UINT64_MAX && !spool_.reserve(environment_->directory, oldest, room);
}

void Stdio::pause_if_blocked(uint64_t room) {
    if (ended_) {
        return;
    }
    held_up_ = spool_is_full(room);
    const bool peer = log_ != nullptr && log_->peer() != nullptr && log_->peer()->is_blocked();
    if (held_up_ || peer) {
        pause_output();
    }
}

void Stdio::pause_output() {
    paused_ = true;
    environment_->loop.suspend(outputs_[0]);
    environment_->loop.suspend(outputs_[1]);
}

void Stdio::withhold_output() {
    withheld_ = true;
    pause_output();
}

void Stdio::release_output() {
    withheld_ = false;
    resume_output();
}

void Stdio::resume_output() {
    if (!paused_ || withheld_) {
        return;
    }
    paused_ = false;
    for (Watch& output : outputs_) {
        if (output.fd >= 0) {
            environment_->loop.change(output, EPOLLIN);
        }
    }
    pause_if_blocked(held_up_ ? kResumeRoom : kPauseRoom);
}

void Stdio::client_moved() {
    for (const Client* client = clients_; client != nullptr; client = client->next) {
        if (client->is_behind() && !client->is_dead()) {
            if (held_up_) {
                resume_output();
            }
            return;
        }
    }
    spool_.close();
    resume_output();
}

void Stdio::process_ended() {
    ended_ = true;
    held_up_ = false;
    resume_output();
    if (terminal_ && outputs_[0].fd < 0 && open_outputs_ > 0) {
        open_outputs_ = 0;  // it never had its terminal
    }
}

void Stdio::end_output() {
    for (int stream = 0; stream < 2; ++stream) {
        if (outputs_[stream].fd >= 0) {
            close_output(stream);
        }
    }
    close_input();
}

void Stdio::finish_clients() {
    finishing_ = true;
    for (Client* client = clients_; client != nullptr; client = client->next) {
        client->finish();
    }
}

void Stdio::sweep(int64_t now) {
    bool moved = false;
    for (Client** link = &clients_; *link != nullptr;) {
        Client* client = *link;
        if (client->check_deadline(now, held_up_)) {
            moved = true;
            if (client->is_dropped() && !client->is_dead()) {
                tell_dropped(*client);
            }
        }
        if (!client->is_dead()) {
            link = &client->next;
            continue;
        }
        *link = client->next;
        environment_->notices.push(
            client->detached() ? EventKind::kDetached : EventKind::kAttachClosed, process_,
            client->notify_id());
        client->close();
        // Going away ends its input; detaching does not.
        if (client->gives_input() && !client->detached()) {
            client_input_ended();
        }
        environment_->clients.destroy(client);
        moved = true;
    }
    if (moved) {
        client_moved();
    }
}

int64_t Stdio::deadline() const {
    int64_t deadline = kNever;
    for (const Client* client = clients_; client != nullptr; client = client->next) {
        if (client->is_dead()) {
            return 0;
        }
        const int64_t own = client->deadline(held_up_);
        deadline = own < deadline ? own : deadline;
    }
    return deadline;
}

void Stdio::abandon() {
    end_output();
    close_child_ends();
    while (clients_ != nullptr) {
        Client* client = clients_;
        clients_ = client->next;
        client->abandon();
        environment_->clients.destroy(client);
    }
    spool_.close();
}

}  // namespace gantry::shim
