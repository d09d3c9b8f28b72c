# bash completion for flare-admin; made by "flare-admin completion".

# The nodes of the cluster that the command line or the environment names.
_flare_admin_nodes()
{
    local i args=()
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -i | --index-server | -p | --index-server-port | --cluster)
            args+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
        esac
    done
    "${COMP_WORDS[0]}" list --timeout=1 --output=csv "${args[@]}" \
        2>/dev/null | sed -n '2,$s/,.*//p'
}

_flare_admin()
{
    local cur prev opts= words= values=
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n := cur prev
    else
        cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    fi
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W 'activate balance completion down index list master ping reconstruct remove slave stats threads' -- "$cur"))
        return
    fi
    case ${COMP_WORDS[1]} in
    activate)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes'
        words='node'
        ;;
    balance)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes'
        words='node'
        ;;
    completion)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout='
        words=''
        ;;
    down)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes'
        words='node'
        ;;
    index)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=*) values='FILE' ;;
        --increment,* | *,--increment=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --increment='
        words=''
        ;;
    list)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --numeric-hosts'
        words=''
        ;;
    master)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --retry,* | *,--retry=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry= --stall-timeout= --activate --without-clean'
        words='node'
        ;;
    ping)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --wait'
        words='node'
        ;;
    reconstruct)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --retry,* | *,--retry=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --unsafe --safe --retry= --stall-timeout= --all'
        words='node'
        ;;
    remove)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --retry,* | *,--retry=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry='
        words='node'
        ;;
    slave)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --retry,* | *,--retry=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry= --stall-timeout= --without-clean --clean'
        words='node'
        ;;
    stats)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --wait,* | *,--wait=* | -w,*) values='-' ;;
        --count,* | *,--count=* | -c,*) values='-' ;;
        --delimiter,* | *,--delimiter=* | -d,*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --qps --wait= --count= --delimiter= --output='
        words='node'
        ;;
    threads)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words='node'
        ;;
    *) return ;;
    esac
    case $values in
    '') ;;
    -) return ;;
    FILE) COMPREPLY=($(compgen -f -- "${cur#*=}")); return ;;
    *) COMPREPLY=($(compgen -W "$values" -- "${cur#*=}")); return ;;
    esac
    case $cur in
    -*) COMPREPLY=($(compgen -W "$opts" -- "$cur")) ;;
    *)
        case $words in
        '') ;;
        node) COMPREPLY=($(compgen -W "$(_flare_admin_nodes)" -- "$cur")) ;;
        file) COMPREPLY=($(compgen -f -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
        esac
        ;;
    esac
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}
complete -F _flare_admin flare-admin
