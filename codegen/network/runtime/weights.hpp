// The file of weights: safetensors, whose layout this program knows beforehand.

struct Entry {
    const char* name;
    Index offset, count;
    bool wide;  // float64, else float32
};

class File {
  public:
    // bytes: the whole file; name: what it is called where it is not the right one
    File(std::vector<char> bytes, const std::string& name, Index header, Index size, uint64_t hash)
        : start_(8 + header), bytes_(std::move(bytes)) {
        if (Index(bytes_.size()) != size || hashed() != hash)
            throw Problem(NAME_FILE, name + ": is not the file that was written with this "
                                            "program; export the network again");
    }

    // A file's content, read no further than one byte beyond the size it should have.
    static std::vector<char> content(const std::string& path, Index size) {
        std::FILE* file = std::fopen(path.c_str(), "rb");
        if (!file) throw Problem(NAME_FILE, path + ": cannot be opened");
        std::vector<char> bytes(size_t(size) + 1);
        bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
        std::fclose(file);
        return bytes;
    }

    void read(const Entry& entry, Index expected, std::vector<double>& to) const {
        to.resize(size_t(expected));
        copy(entry, expected, to.data());
    }
    void read(const Entry& entry, Index expected, std::vector<float>& to) const {
        to.resize(size_t(expected));
        copy(entry, expected, to.data());
    }

  private:
    Index start_;
    std::vector<char> bytes_;

    uint64_t hashed() const {  // FNV-1a, on eight bytes at once
        uint64_t hash = 0xcbf29ce484222325u;
        size_t place = 0;
        for (; place + 8 <= bytes_.size(); place += 8) {
            uint64_t word = 0;
            std::memcpy(&word, bytes_.data() + place, 8);
            hash = (hash ^ word) * 0x100000001b3u;
        }
        for (; place < bytes_.size(); ++place)
            hash = (hash ^ uint64_t((unsigned char)(bytes_[place]))) * 0x100000001b3u;
        return hash;
    }

    template <class To>
    void copy(const Entry& entry, Index expected, To* to) const {
        const Index width = entry.wide ? 8 : 4;
        if (entry.count != expected ||
            start_ + entry.offset + width * entry.count > Index(bytes_.size()))
            throw Problem(NAME_FILE, std::string(entry.name) + ": has another size");
        const char* from = bytes_.data() + start_ + entry.offset;
        for (Index k = 0; k < expected; ++k) {
            double value;
            if (entry.wide) {
                std::memcpy(&value, from + 8 * k, 8);
            } else {
                float single;
                std::memcpy(&single, from + 4 * k, 4);
                value = single;
            }
            to[k] = To(value);
        }
    }
};

// Reads the arrays of one network one after another.
class Reader {
  public:
    Reader(const File& file, const Entry* entries) : file_(file), next_(entries) {}

    Values values(Index count) {
        Values result;
        file_.read(*next_++, count, result);
        return result;
    }
    std::vector<double> doubles(Index count) {
        std::vector<double> result;
        file_.read(*next_++, count, result);
        return result;
    }
    Matrix matrix(int in, int out) {
        Matrix result;
        result.set(in, out, values(Index(in) * out).data());
        return result;
    }
    std::vector<Matrix> matrices(int count, int in, int out) {
        const Values all = values(Index(count) * in * out);
        std::vector<Matrix> result(static_cast<size_t>(count));
        for (int k = 0; k < count; ++k) result[k].set(in, out, all.data() + Index(k) * in * out);
        return result;
    }

  private:
    const File& file_;
    const Entry* next_;
};
