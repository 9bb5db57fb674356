#include "client/mutant.hpp"
#include "client/publisher_core.hpp"
#include "log/log.hpp"

namespace ruststream {
inline namespace v0 {
namespace detail {
namespace {

/// Finished operations that this thread keeps for its next publishes, buffers and all.
struct Pool {
  static constexpr std::uint32_t kKeep = 256;
  PublishOp* first = nullptr;
  std::uint32_t count = 0;
  ~Pool() {
    while (first != nullptr) delete std::exchange(first, first->next);
    count = kKeep;  // what comes back after this is deleted
  }
};

thread_local Pool t_pool;

std::uint8_t* bytes(const char* base, const PublishOp::Piece& piece) {
  if (!piece.set) return nullptr;
  return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(base + piece.at));
}

rst_out_message message_of(const char* base, const PublishOp& op) {
  rst_out_message out{};
  out.destination = op.destination.set ? base + op.destination.at : nullptr;
  out.destination_len = op.destination.size;
  out.payload = bytes(base, op.payload);
  out.payload_len = op.payload.size;
  out.key = bytes(base, op.key);
  out.key_len = op.key.size;
  out.flags = op.null_payload ? RST_OUT_NULL_PAYLOAD : 0;
  return out;
}

}  // namespace

PublishOp& PublishOp::acquire(std::shared_ptr<PublisherCore> publisher, Call* call) {
  PublishOp* op = t_pool.first;
  if (op != nullptr) {
    t_pool.first = op->next;
    --t_pool.count;
  } else {
    op = new PublishOp;
  }
  op->next = nullptr;
  op->call = call;
  op->confirm = publisher->confirm();
  op->timeout = publisher->timeout();
  op->publisher = std::move(publisher);
  return *op;
}

void PublishOp::forget_op() noexcept {
  if (op == nullptr) return;
  op->deadline.reset();
  op->instance->release(*std::exchange(op, nullptr));
}

void PublishOp::recycle() noexcept {
  forget_op();
  if (t_pool.count >= Pool::kKeep) {
    delete this;
    return;
  }
  call = nullptr;
  publisher.reset();
  failed = false;
  waited = false;
  first = 0;
  text.clear();
  payload = destination = key = reply_to = correlation = message_id = content_type = Piece{};
  null_payload = borrows = false;
  header_pieces.clear();
  options.clear();
  messages.clear();
  option_storage.reset();
  next = t_pool.first;
  t_pool.first = this;
  ++t_pool.count;
}

void PublishOp::fail(Error because) noexcept {
  if (failed) return;
  failed = true;
  error = std::move(because);
}

PublishOp::Piece PublishOp::add(std::string_view part) {
  Piece piece{static_cast<std::uint32_t>(text.size()), static_cast<std::uint32_t>(part.size()), true};
  text.append(part);
  return piece;
}

void PublishOp::own() {
  if (!borrows || mutant(30)) return;
  borrows = false;
  const auto unsent = std::span(messages).subspan(first);
  for (const rst_out_message& message : unsent) {
    (void)add({reinterpret_cast<const char*>(message.payload), static_cast<std::size_t>(message.payload_len)});
  }
  (void)text.reserve(1);  // so that an empty payload has an address
  const auto* at = reinterpret_cast<const std::uint8_t*>(text.data());
  for (rst_out_message& message : unsent) {
    message.payload = at;
    at += message.payload_len;
  }
}

void PublishOp::seal() {
  (void)text.reserve(1);  // so that an empty payload has an address
  const char* const base = text.data();
  rst_out_message out = message_of(base, *this);
  headers.clear();
  for (const auto& [name, value] : header_pieces) {
    rst_header header{};
    header.name = base + name.at;
    header.name_len = static_cast<std::uint16_t>(name.size);
    header.value = bytes(base, value);
    header.value_len = value.size;
    headers.push_back(header);
  }
  out.headers = headers.empty() ? nullptr : headers.data();
  out.header_count = static_cast<std::uint16_t>(headers.size());
  if (reply_to.set || correlation.set || message_id.set || content_type.set || props.option_count != 0) {
    props.struct_size = sizeof(props);
    props.priority = -1;
    props.partition = -1;
    props.reply_to = bytes(base, reply_to);
    props.reply_to_len = reply_to.size;
    props.correlation = bytes(base, correlation);
    props.correlation_len = correlation.size;
    props.message_id = bytes(base, message_id);
    props.message_id_len = message_id.size;
    props.content_type = content_type.set ? base + content_type.at : nullptr;
    props.content_type_len = content_type.size;
    out.props = &props;
  }
  messages.push_back(out);
}

void PublishOp::read_statuses() noexcept {
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    if (statuses[i] >= 0) continue;
    const auto code = static_cast<Code>(rst_status_code(statuses[i]));
    std::string why = std::string("the broker refused the message: ") + to_string(code);
    if (messages.size() > 1) why += " (number " + std::to_string(i) + " of " + std::to_string(messages.size()) + ")";
    fail(Error(code, std::move(why), rst_status_flags(statuses[i])));
    return;
  }
}

Result<void> PublishOp::take() {
  if (op != nullptr) {
    if (op->status < 0) fail(std::move(op->error));
    read_statuses();
  }
  Result<void> result;
  if (failed) result = std::unexpected(std::move(error));
  recycle();
  return result;
}

void PublishOp::detach() noexcept {
  const auto conclude = [](PublishOp& ended) {
    const std::shared_ptr<PublisherCore> keep = ended.publisher;  // what follows may be the last that holds it
    // The publisher of an app that has not started has no connection yet.
    const auto environment = ended.publisher->bound() ? nullptr : Environment::shared();
    log::Logger& logger =
        environment != nullptr ? environment->logger() : ended.publisher->connection().instance().logger();
    if (const Result<void> result = ended.take(); !result) {
      logger.write(log::Level::error, "publish", "nobody waited for a publish that failed: " + result.error().text);
    }
  };
  if (op == nullptr || !op->unwait()) return conclude(*this);
  // Concluded on a loop: whoever drops the last handle closes, and closing is no business of a completion's stack.
  op->deadline.reset();
  op->context = this;
  op->run = [](Ready* self) noexcept { static_cast<PublishOp*>(static_cast<Op*>(self)->context)->detach(); };
  if (!op->notify(publisher->connection().environment().service_loop())) conclude(*this);
}

}  // namespace detail
}  // namespace v0
}  // namespace ruststream
