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
        COMPREPLY=($(compgen -W 'activate add-node add-slave backup balance call check cluster completion create del-node deploy distribution down dump dumpkey failback failover-list failover-with-dir fix force-failover import index info list master masters-with-dir nodes-with-dir part ping rebalance reconstruct remove reset-distribution restore rowcount scaleout slave stats summary switchover threads tree verify' -- "$cur"))
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
    add-node)
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
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry= --stall-timeout= --without-clean --master'
        words='node'
        ;;
    add-slave)
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
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry= --stall-timeout= --without-clean'
        words='node'
        ;;
    backup)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='FILE' ;;
        --bwlimit,* | *,--bwlimit=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --dry-run --force --yes --stall-timeout= --output= --live --bwlimit='
        words=''
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
    call)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --force --yes --masters --slaves'
        words=''
        ;;
    check)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --strict'
        words=''
        ;;
    cluster)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --base,* | *,--base=*) values='-' ;;
        --nodes,* | *,--nodes=*) values='-' ;;
        --replicas,* | *,--replicas=* | -r,*) values='-' ;;
        --port,* | *,--port=* | -p,*) values='-' ;;
        --index-options,* | *,--index-options=*) values='-' ;;
        --node-options,* | *,--node-options=*) values='-' ;;
        --flarei,* | *,--flarei=*) values='-' ;;
        --flared,* | *,--flared=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --output= --dry-run --force --yes --base= --nodes= --replicas= --port= --proxies --index-options= --node-options= --flarei= --flared= --stall-timeout='
        words='create start stop restart clean use ls'
        ;;
    completion)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout='
        words=''
        ;;
    create)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --replicas,* | *,--replicas=* | -r,*) values='-' ;;
        --retry,* | *,--retry=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --replicas= --without-clean --retry= --stall-timeout='
        words='node'
        ;;
    del-node)
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
    deploy)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --flarei,* | *,--flarei=*) values='-' ;;
        --flared,* | *,--flared=*) values='-' ;;
        --index-log-facility,* | *,--index-log-facility=*) values='-' ;;
        --index-max-connection,* | *,--index-max-connection=*) values='-' ;;
        --monitor-threshold,* | *,--monitor-threshold=*) values='-' ;;
        --monitor-interval,* | *,--monitor-interval=*) values='-' ;;
        --index-thread-pool-size,* | *,--index-thread-pool-size=*) values='-' ;;
        --partition-size,* | *,--partition-size=*) values='-' ;;
        --key-hash-algorithm,* | *,--key-hash-algorithm=*) values='-' ;;
        --partition-modular-hint,* | *,--partition-modular-hint=*) values='-' ;;
        --partition-modular-virtual,* | *,--partition-modular-virtual=*) values='-' ;;
        --log-facility,* | *,--log-facility=*) values='-' ;;
        --max-connection,* | *,--max-connection=*) values='-' ;;
        --mutex-slot,* | *,--mutex-slot=*) values='-' ;;
        --proxy-concurrency,* | *,--proxy-concurrency=*) values='-' ;;
        --storage-type,* | *,--storage-type=*) values='-' ;;
        --thread-pool-size,* | *,--thread-pool-size=*) values='-' ;;
        --replication-type,* | *,--replication-type=*) values='-' ;;
        --reconstruction-interval,* | *,--reconstruction-interval=*) values='-' ;;
        --reconstruction-bwlimit,* | *,--reconstruction-bwlimit=*) values='-' ;;
        --net-read-timeout,* | *,--net-read-timeout=*) values='-' ;;
        --storage-bucket-size,* | *,--storage-bucket-size=*) values='-' ;;
        --storage-compress,* | *,--storage-compress=*) values='-' ;;
        --storage-large,* | *,--storage-large=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --dry-run --deploy-index --delete --flarei= --flared= --index-log-facility= --index-max-connection= --monitor-threshold= --monitor-interval= --index-thread-pool-size= --partition-size= --key-hash-algorithm= --partition-modular-hint= --partition-modular-virtual= --log-facility= --max-connection= --mutex-slot= --proxy-concurrency= --storage-type= --thread-pool-size= --replication-type= --reconstruction-interval= --reconstruction-bwlimit= --net-read-timeout= --storage-bucket-size= --storage-compress= --storage-large='
        words=''
        ;;
    distribution)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
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
    dump)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='FILE' ;;
        --format,* | *,--format=* | -f,*) values='-' ;;
        --bwlimit,* | *,--bwlimit=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --format= --bwlimit= --all --raw --resume'
        words='node'
        ;;
    dumpkey)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='FILE' ;;
        --format,* | *,--format=* | -f,*) values='-' ;;
        --partition,* | *,--partition=* | -p,*) values='-' ;;
        --partition-size,* | *,--partition-size=* | -s,*) values='-' ;;
        --bwlimit,* | *,--bwlimit=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --format= --partition= --partition-size= --bwlimit= --all'
        words='node'
        ;;
    failback)
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
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry= --stall-timeout='
        words='node'
        ;;
    failover-list)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words=''
        ;;
    failover-with-dir)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --down'
        words=''
        ;;
    fix)
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
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --retry= --stall-timeout= --without-clean'
        words=''
        ;;
    force-failover)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --down'
        words=''
        ;;
    import)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --from,* | *,--from=*) values='memcached redis flare' ;;
        --bwlimit,* | *,--bwlimit=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --dry-run --from= --bwlimit='
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
    info)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
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
    masters-with-dir)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words=''
        ;;
    nodes-with-dir)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words=''
        ;;
    part)
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
    rebalance)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --threshold,* | *,--threshold=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --simulate --threshold='
        words=''
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
    reset-distribution)
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
    restore)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --input,* | *,--input=* | -i,*) values='FILE' ;;
        --format,* | *,--format=* | -f,*) values='-' ;;
        --bwlimit,* | *,--bwlimit=*) values='-' ;;
        --include,* | *,--include=*) values='-' ;;
        --prefix-include,* | *,--prefix-include=*) values='-' ;;
        --exclude,* | *,--exclude=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --dry-run --input= --format= --bwlimit= --include= --prefix-include= --exclude= --print-keys --resume'
        words='node'
        ;;
    rowcount)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words=''
        ;;
    scaleout)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --replicas,* | *,--replicas=* | -r,*) values='-' ;;
        --retry,* | *,--retry=*) values='-' ;;
        --stall-timeout,* | *,--stall-timeout=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --replicas= --without-clean --retry= --stall-timeout='
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
    summary)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words=''
        ;;
    switchover)
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
    tree)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output='
        words=''
        ;;
    verify)
        case $prev,$cur in
        --log-file,* | *,--log-file=*) values='FILE' ;;
        --timeout,* | *,--timeout=*) values='-' ;;
        --index-server,* | *,--index-server=* | -i,*) values='-' ;;
        --index-server-port,* | *,--index-server-port=* | -p,*) values='-' ;;
        --cluster,* | *,--cluster=*) values='-' ;;
        --output,* | *,--output=* | -o,*) values='table json csv' ;;
        --key-hash-algorithm,* | *,--key-hash-algorithm=*) values='-' ;;
        esac
        opts='--help --version --debug --warn --log-file= --timeout= --index-server= --index-server-port= --cluster= --output= --dry-run --force --yes --copies --repair --key-hash-algorithm= --use-test-data --64bit --verbose --meta --quiet'
        words=''
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
